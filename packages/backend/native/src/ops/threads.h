// A pool with as many threads as TensorFlow uses.
#pragma once

#include <immintrin.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace {

class Threads {
 public:
  static Threads& instance() {
    // Never destroyed: at the end of the process its threads are asleep.
    static Threads* threads = new Threads(count());
    return *threads;
  }

  // Calls work(first, last) on parts of [0, size), each at least `grain` long. They are several times as many as threads: one
  // that is slower, or wakes up late, leaves parts to the others.
  void share(int64_t size, int64_t grain, const std::function<void(int64_t, int64_t)>& work) {
    constexpr int64_t kParts = 4;
    run(size, grain, kParts * this->size(),
        [&](int64_t first, int64_t last, int) { work(first, last); });
  }

  // Calls work(first, last, part) on as many parts as threads, for work that has memory for each part. Two parts may run in the
  // same thread, so results of a part must not be kept in a thread's own memory.
  void split(int64_t size, int64_t grain, const std::function<void(int64_t, int64_t, int)>& work) {
    run(size, grain, this->size(), work);
  }

  int size() const { return static_cast<int>(workers_.size()) + 1; }

 private:
  void run(int64_t size, int64_t grain, int64_t most,
           const std::function<void(int64_t, int64_t, int)>& work) {
    const int parts = static_cast<int>(
        std::max<int64_t>(1, std::min(most, size / std::max<int64_t>(1, grain))));
    const auto bound = [&](int part) { return size * part / parts; };
    if (parts == 1) return work(0, size, 0);
    // One op at a time: threads of several sessions may call this concurrently.
    std::lock_guard<std::mutex> turn(turn_);
    const std::function<void(int)> each = [&](int part) { work(bound(part), bound(part + 1), part); };
    {
      std::lock_guard<std::mutex> lock(mutex_);
      work_ = &each;
      next_ = 0;
      waiting_ = parts_ = parts;
      ++generation_;
    }
    wake_.notify_all();
    takeParts();
    const auto done = [&] { return waiting_ == 0; };
    if (spin(done)) return;
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, done);
  }

  static int count() {
    const char* set = std::getenv("TF_NUM_INTRAOP_THREADS");
    const int wanted = set ? std::atoi(set) : 0;
    return wanted > 0 ? wanted : std::max(1u, std::thread::hardware_concurrency());
  }

  explicit Threads(int count) {
    for (int i = 1; i < count; ++i) {
      workers_.emplace_back([this] {
        uint64_t seen = 0;
        for (;;) {
          const auto called = [&] { return generation_ != seen; };
          spin(called);
          {
            std::unique_lock<std::mutex> lock(mutex_);
            wake_.wait(lock, called);
            seen = generation_;
          }
          takeParts();
        }
      });
      workers_.back().detach();
    }
  }

  // Works on parts until none is left.
  void takeParts() {
    for (;;) {
      const std::function<void(int)>* work;
      int part;
      {
        std::lock_guard<std::mutex> lock(mutex_);
        if (next_ == parts_) return;
        work = work_;
        part = next_++;
      }
      (*work)(part);
      if (--waiting_ > 0) continue;
      std::lock_guard<std::mutex> lock(mutex_);
      done_.notify_one();
    }
  }

  // Waits up to about 0.1 ms for a condition that is usually met soon: to sleep and be woken takes longer than most ops.
  template <typename Condition>
  static bool spin(const Condition& condition) {
    for (int i = 0; i < kSpins; ++i) {
      if (condition()) return true;
      _mm_pause();
      // One of TensorFlow's threads may need this core.
      if (i % 32 == 31) std::this_thread::yield();
    }
    return false;
  }
  static constexpr int kSpins = 2000;

  std::vector<std::thread> workers_;
  std::mutex turn_, mutex_;
  std::condition_variable wake_, done_;
  // Of the current op; valid while a part of it is being worked on.
  const std::function<void(int)>* work_ = nullptr;
  int parts_ = 0, next_ = 0;
  std::atomic<int> waiting_{0};
  std::atomic<uint64_t> generation_{0};
};

// Minimum number of values per thread.
constexpr int64_t kGrain = 16384;
int64_t grainOf(int64_t channels) { return std::max<int64_t>(1, kGrain / channels); }

}  // namespace
