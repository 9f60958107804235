// The gradients of pooling, in one pass that keeps no positions.
import * as tf from '@tensorflow/tfjs-core'
import { type Call, extend, type Info, input, map } from './kernel.ts'

type Window = tf.backend_util.Conv2DInfo

/** Constants of a window, and the start of an output's window. */
function constants(info: Window): string {
  const numbers = {
    height: info.inHeight,
    width: info.inWidth,
    channels: info.inChannels,
    outHeight: info.outHeight,
    outWidth: info.outWidth,
    windowHeight: info.filterHeight,
    windowWidth: info.filterWidth,
    strideY: info.strideHeight,
    strideX: info.strideWidth,
    top: info.padInfo.top,
    left: info.padInfo.left,
  }
  return Object.entries(numbers)
    .map(([name, value]) => `const ${name} = ${value};`)
    .join('\n')
}

/**
 * Each input value collects from the windows that contain it; for max-pooling, from those where it is the first
 * maximum.
 */
function poolGradient(average: boolean): (call: Call) => Info {
  return (call) => {
    const [x, dy] = [input(call, 'input'), input(call, 'dy')]
    const { filterSize, strides, pad, dimRoundingMode } = call.attrs
    const info = tf.backend_util.computePool2DInfo(
      x.shape as [number, number, number, number],
      filterSize as number,
      strides as number,
      1,
      pad as 'same',
      dimRoundingMode as 'floor',
    )
    const numbers = constants(info)
    const share = average
      ? `let share = 1.0 / f32((bottom - y0) * (right - x0));`
      : `
          var best = x[(batch * height + y0) * width * channels + x0 * channels + channel];
          var at = y0 * width + x0;
          for (var y = y0; y < bottom; y++) {
            for (var across = x0; across < right; across++) {
              let other = x[((batch * height + y) * width + across) * channels + channel];
              if (other > best) { best = other; at = y * width + across; }
            }
          }
          let share = select(0.0, 1.0, at == row * width + column);`
    return map(call, {
      name: `pool gradient ${average} ${numbers}`,
      shape: x.shape,
      inputs: average ? { dy } : { x, dy },
      functions: numbers,
      body: `
        let channel = index % channels;
        let column = index / channels % width;
        let row = index / (channels * width) % height;
        let batch = index / (channels * width * height);
        let firstY = max(0, (row + top - windowHeight) / strideY + 1) * i32(row + top >= windowHeight);
        let firstX = max(0, (column + left - windowWidth) / strideX + 1) * i32(column + left >= windowWidth);
        var value = 0.0;
        for (var outY = firstY; outY < min(outHeight, (row + top) / strideY + 1); outY++) {
          for (var outX = firstX; outX < min(outWidth, (column + left) / strideX + 1); outX++) {
            let y0 = max(0, outY * strideY - top);
            let x0 = max(0, outX * strideX - left);
            let bottom = min(height, outY * strideY - top + windowHeight);
            let right = min(width, outX * strideX - left + windowWidth);
            ${share}
            value += share * dy[((batch * outHeight + outY) * outWidth + outX) * channels + channel];
          }
        }`,
    })
  }
}

export function registerPooling(): void {
  extend(tf.MaxPoolGrad, () => poolGradient(false))
  extend(tf.AvgPoolGrad, () => poolGradient(true))
}
