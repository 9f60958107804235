export { parseJson } from './json.ts'
export { type NumberType, numberTypes, valuesOf } from './numbers.ts'
export { decodeTensors, encodeTensors, type FileDtype, type FileTensor } from './safetensors.ts'
