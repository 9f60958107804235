// A tiled matrix product in workgroup memory, of matrices that are computed on the fly.
import { type Call, compute, dispose, type Info, map, type Program } from './kernel.ts'

/** [rows, inner] times [inner, columns]. */
export interface ProductShape {
  readonly rows: number
  readonly columns: number
  readonly inner: number
}

/** The cost of a product. */
export interface ProductCount {
  /** Number of multiply-adds, including those of padding. */
  readonly multiplyAdds: number
  /** Number of values read from tensors. */
  readonly reads: number
}

/** Step size along the inner axis. */
const depth = 16

/** A side of a tile: number of threads, and values per thread. */
interface Side {
  readonly threads: number
  readonly each: number
}
const sides: readonly Side[] = [
  { threads: 16, each: 4 },
  { threads: 16, each: 2 },
  { threads: 16, each: 1 },
  { threads: 8, each: 1 },
  { threads: 4, each: 1 },
  { threads: 2, each: 1 },
  { threads: 1, each: 1 },
]

/** The largest that pads by at most a factor √2, so that both sides together pad by at most 2. */
function sideFor(length: number): Side & { readonly tile: number; readonly tiles: number } {
  for (const side of sides) {
    const tile = side.threads * side.each
    const tiles = Math.ceil(length / tile)
    if (tiles * tile <= Math.SQRT2 * length) return { ...side, tile, tiles }
  }
  throw new Error(`webgpu: expected a positive length, got ${length}`)
}

/** How the shader computes a product: tiles, and slices of the inner axis for different workgroups. */
function planOf(
  { rows, columns, inner }: ProductShape,
  sliced = true,
): {
  row: ReturnType<typeof sideFor>
  column: ReturnType<typeof sideFor>
  slices: number
  slice: number
} {
  const [row, column] = [sideFor(rows), sideFor(columns)]
  // A filter is small with a long inner axis: use enough workgroups for a large GPU, each with enough work.
  const wanted = sliced ? Math.ceil(256 / (row.tiles * column.tiles)) : 1
  const most = Math.ceil(inner / (depth * 8))
  const steps = Math.ceil(inner / depth / Math.max(1, Math.min(wanted, most)))
  const slice = steps * depth
  return { row, column, slices: inner === 0 ? 1 : Math.ceil(inner / slice), slice }
}

/**
 * What the shader computes and reads for a product, summed over its workgroups, slices and steps.
 *
 * multiplyAdds = ⌈rows⌉ · ⌈columns⌉ · inner, each side rounded up to whole tiles, at most 2 · rows · columns · inner.
 * reads = inner · (rows · columns / tile columns + columns · rows / tile rows), rounded up in the same way: what one
 * workgroup reads serves a tile's whole row or column.
 *
 * @param shape of the product: of a convolution's filter gradient, rows = filter height · width · input channels,
 * columns = output channels, inner = batch · output height · width; of its input gradient at stride 1, rows = batch ·
 * input height · width, columns = input channels, inner = filter height · width · output channels
 * @example
 * countProduct({ rows: 288, columns: 32, inner: 131_072 })
 */
export function countProduct(shape: ProductShape): ProductCount {
  const { row, column, slices, slice } = planOf(shape)
  let [multiplyAdds, reads] = [0, 0]
  for (let z = 0; z < slices; z++)
    for (let y = 0; y < row.tiles; y++)
      for (let x = 0; x < column.tiles; x++)
        for (let k = z * slice; k < Math.min((z + 1) * slice, shape.inner); k += depth) {
          const long = Math.min(depth, shape.inner - k)
          const high = Math.min(row.tile, shape.rows - y * row.tile)
          const wide = Math.min(column.tile, shape.columns - x * column.tile)
          reads += long * (high + wide)
          multiplyAdds += long * row.threads * row.each * column.threads * column.each
        }
  return { multiplyAdds, reads }
}

export interface Product extends ProductShape {
  /** Identifies the constants in `functions` and `place`. */
  readonly name: string
  readonly shape: readonly number[]
  readonly inputs: Program['inputs']
  /** WGSL with `left(row, inner) -> f32` and `right(inner, column) -> f32`, called only within bounds. */
  readonly functions: string
  /** The axis of each matrix along which neighbours are adjacent in memory. */
  readonly contiguous: { readonly left: 'row' | 'inner'; readonly right: 'inner' | 'column' }
  /** A WGSL expression for the position of row `row` in the result, if several products share the result. */
  readonly place?: string
}

/**
 * Computes a product, into an existing tensor if several share it. With `counts`, returns the shader's own counts
 * instead, to compare with `countProduct`. `widest` is the device's maximum number of workgroups per dimension.
 */
export function multiply(
  call: Pick<Call, 'backend'>,
  product: Product,
  {
    counts = false,
    into,
    widest = 65_535,
  }: { readonly counts?: boolean; readonly into?: Info; readonly widest?: number } = {},
): Info {
  const { rows, columns, inner, shape, place = 'row' } = product
  const { row, column, slices, slice } = planOf(product, product.place === undefined)
  // Rows of tiles that exceed one dimension continue in the next.
  const layers = Math.ceil(row.tiles / widest)
  const threads = row.threads * column.threads
  const count = (what: string): string => (counts ? `${what}++;` : '')
  const grid = (body: string): string => `
    for (var i = 0; i < ${row.each}; i++) { for (var j = 0; j < ${column.each}; j++) { ${body} } }`
  /** All threads fill a tile; neighbouring threads read neighbouring memory. */
  const fill = (tile: string, length: number, bound: string, read: string, byInner: boolean) => `
    for (var at = thread; at < ${length * depth}; at += ${threads}) {
      let k = ${byInner ? `at % ${depth}` : `at / ${length}`};
      let other = ${byInner ? `at / ${depth}` : `at % ${length}`};
      var value = 0.0;
      if (start + k < end && ${tile}Start + other < ${bound}) {
        value = ${read};
        ${count('reads')}
      }
      ${tile}[k * ${length} + other] = value;
    }`
  const { left, right } = product.contiguous
  const code = `
    ${product.functions}
    var<workgroup> rowTile : array<f32, ${row.tile * depth}>;
    var<workgroup> columnTile : array<f32, ${column.tile * depth}>;
    fn main(_index : i32) {
      let thread = i32(localIndex);
      let firstRow = thread / ${column.threads};
      let firstColumn = thread % ${column.threads};
      let layer = i32(workgroupId.z) % uniforms.layers;
      let slice = i32(workgroupId.z) / uniforms.layers;
      let rowTileStart = (layer * i32(numWorkgroups.y) + i32(workgroupId.y)) * ${row.tile};
      let columnTileStart = i32(workgroupId.x) * ${column.tile};
      let begin = slice * uniforms.slice;
      let end = min(uniforms.inner, begin + uniforms.slice);
      var sums : array<f32, ${row.each * column.each}>;
      ${counts ? 'var multiplyAdds = 0; var reads = 0;' : ''}
      // The same number of iterations in each workgroup, as barriers require; past the end there is nothing to do.
      for (var step = 0; step < uniforms.slice / ${depth}; step++) {
        let start = begin + step * ${depth};
        ${fill('rowTile', row.tile, 'uniforms.rows', 'left(rowTileStart + other, start + k)', left === 'inner')}
        ${fill('columnTile', column.tile, String(columns), 'right(start + k, columnTileStart + other)', right === 'inner')}
        workgroupBarrier();
        for (var k = 0; k < min(${depth}, end - start); k++) {
          var a : array<f32, ${row.each}>;
          var b : array<f32, ${column.each}>;
          for (var i = 0; i < ${row.each}; i++) {
            a[i] = rowTile[k * ${row.tile} + firstRow + i * ${row.threads}];
          }
          for (var j = 0; j < ${column.each}; j++) {
            b[j] = columnTile[k * ${column.tile} + firstColumn + j * ${column.threads}];
          }
          ${grid(`sums[i * ${column.each} + j] += a[i] * b[j]; ${count('multiplyAdds')}`)}
        }
        workgroupBarrier();
      }
      ${
        counts
          ? 'atomicAdd(&result[0], multiplyAdds); atomicAdd(&result[1], reads);'
          : grid(`
              let row = rowTileStart + firstRow + i * ${row.threads};
              let column = columnTileStart + firstColumn + j * ${column.threads};
              if (row < uniforms.rows && column < ${columns}) {
                result[(slice * uniforms.rows + ${place}) * ${columns} + column] = sums[i * ${column.each} + j];
              }`)
      }
    }`
  const parts = compute(call, {
    name: `product ${product.name} ${row.tile} ${columns} ${counts}`,
    shape: counts ? [2] : slices === 1 ? shape : [slices, rows, columns],
    dtype: counts ? 'int32' : 'float32',
    atomic: counts,
    inputs: product.inputs,
    into,
    uniforms: { rows, inner, slice, layers },
    threads,
    workgroups: [column.tiles, Math.ceil(row.tiles / layers), layers * slices],
    code,
  })
  if (counts || slices === 1) return parts
  const sum = map(call, {
    name: 'sum of slices',
    shape,
    inputs: { parts },
    uniforms: { slices },
    body: `
      var value = 0.0;
      for (var slice = 0; slice < uniforms.slices; slice++) {
        value += parts[slice * uniforms.count + index];
      }`,
  })
  dispose(call, parts)
  return sum
}
