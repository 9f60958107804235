// Wraps TensorFlow's C interface for ops: inputs, outputs, attributes and registration.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lanes.h"
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_status.h"
#include "tensorflow/c/tf_tensor.h"

namespace {

struct Status {
  TF_Status* status = TF_NewStatus();
  ~Status() { TF_DeleteStatus(status); }
  bool ok() const { return TF_GetCode(status) == TF_OK; }
};

struct Tensor {
  TF_Tensor* tensor = nullptr;
  ~Tensor() {
    if (tensor) TF_DeleteTensor(tensor);
  }
  template <typename T>
  T* data() const {
    return static_cast<T*>(TF_TensorData(tensor));
  }
  int64_t size(int axis) const { return TF_Dim(tensor, axis); }
  std::vector<int64_t> shape() const {
    std::vector<int64_t> sizes(TF_NumDims(tensor));
    for (size_t axis = 0; axis < sizes.size(); ++axis) sizes[axis] = size(static_cast<int>(axis));
    return sizes;
  }
};

// The attributes of an op.
struct Attributes {
  float epsilon = 0, kept = 0, added = 0, correction = 0;
  bool nesterov = false, transposed = false, overwrite = false;
  int32_t activation = 0, before = 0;
  std::vector<int32_t> window, strides, size, padding;
};

// A call of an op, with its inputs, outputs and the first error.
class Call {
 public:
  Call(void* attributes, TF_OpKernelContext* context)
      : attributes(*static_cast<Attributes*>(attributes)), context_(context) {}
  ~Call() {
    if (!status_.ok()) TF_OpKernelContext_Failure(context_, status_.status);
  }
  const Attributes& attributes;

  void input(int place, Tensor* tensor) {
    if (status_.ok()) TF_GetInput(context_, place, &tensor->tensor, status_.status);
  }
  void output(int place, TF_DataType type, const std::vector<int64_t>& shape, Tensor* tensor) {
    if (!status_.ok()) return;
    int64_t count = 1;
    for (int64_t size : shape) count *= size;
    tensor->tensor =
        TF_AllocateOutput(context_, place, type, shape.data(), static_cast<int>(shape.size()),
                          count * TF_DataTypeSize(type), status_.status);
  }
  // An output in the memory of an input that nothing reads any more.
  void outputIn(int place, const Tensor& input) {
    if (status_.ok()) TF_SetOutput(context_, place, input.tensor, status_.status);
  }
  void fail(const std::string& message) {
    if (status_.ok()) TF_SetStatus(status_.status, TF_INVALID_ARGUMENT, message.c_str());
  }
  bool ok() const { return status_.ok(); }

 private:
  TF_OpKernelContext* context_;
  Status status_;
};

template <typename T>
constexpr TF_DataType typeOf();
template <>
constexpr TF_DataType typeOf<float>() {
  return TF_FLOAT;
}
template <>
constexpr TF_DataType typeOf<Bfloat16>() {
  return TF_BFLOAT16;
}

void* create(TF_OpKernelConstruction* construction) {
  auto attributes = std::make_unique<Attributes>();
  // An op has some of the attributes; the rest keep their values.
  Status status;
  for (const auto& [name, value] : {std::make_pair("epsilon", &attributes->epsilon),
                                    {"kept", &attributes->kept},
                                    {"added", &attributes->added},
                                    {"correction", &attributes->correction}})
    TF_OpKernelConstruction_GetAttrFloat(construction, name, value, status.status);
  for (const auto& [name, value] : {std::make_pair("activation", &attributes->activation),
                                    {"before", &attributes->before}})
    TF_OpKernelConstruction_GetAttrInt32(construction, name, value, status.status);
  for (const auto& [name, value] : {std::make_pair("nesterov", &attributes->nesterov),
                                    {"transposed", &attributes->transposed},
                                    {"overwrite", &attributes->overwrite}}) {
    unsigned char given = 0;
    TF_OpKernelConstruction_GetAttrBool(construction, name, &given, status.status);
    *value = given != 0;
  }
  for (const auto& [name, list] :
       {std::make_pair("window", &attributes->window),
        {"strides", &attributes->strides},
        {"size", &attributes->size},
        {"padding", &attributes->padding}}) {
    list->resize(2);
    TF_OpKernelConstruction_GetAttrInt32List(construction, name, list->data(), 2, status.status);
  }
  return attributes.release();
}

void destroy(void* attributes) { delete static_cast<Attributes*>(attributes); }

// The function that computes an op for one type T.
struct Kernel {
  TF_DataType type;
  void (*compute)(void*, TF_OpKernelContext*);
};

void define(const std::string& name, const std::vector<const char*>& inputs,
            const std::vector<const char*>& outputs, const std::vector<const char*>& attributes,
            const std::vector<Kernel>& kernels) {
  Status status;
  TF_OpDefinitionBuilder* builder = TF_NewOpDefinitionBuilder(name.c_str());
  for (const char* input : inputs) TF_OpDefinitionBuilderAddInput(builder, input);
  for (const char* output : outputs) TF_OpDefinitionBuilderAddOutput(builder, output);
  TF_OpDefinitionBuilderAddAttr(builder, "T: {float, bfloat16}");
  for (const char* attribute : attributes) TF_OpDefinitionBuilderAddAttr(builder, attribute);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(builder,
                                                  &TF_ShapeInferenceContextSetUnknownShape);
  TF_RegisterOpDefinition(builder, status.status);
  for (const auto& [type, compute] : kernels) {
    TF_KernelBuilder* kernel =
        TF_NewKernelBuilder(name.c_str(), "CPU", &create, compute, &destroy);
    TF_KernelBuilder_TypeConstraint(kernel, "T", type, status.status);
    TF_RegisterKernelBuilder((name + std::to_string(type)).c_str(), kernel, status.status);
  }
}

}  // namespace
