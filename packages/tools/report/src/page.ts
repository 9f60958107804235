import { reliabilityDiagram } from './charts.ts'
import { bytes, count, decimals, duration, percent } from './format.ts'
import { html, type Html } from './html.ts'
import {
  absent,
  classNames,
  curves,
  curvesOf,
  document,
  notice,
  picture,
  section,
  settingsOf,
  stateMark,
  textOf,
  tricksOf,
} from './parts.ts'
import { pngUrl } from './preview-svg.ts'
import { type RunRecord, shownMistakes } from '@tricks/run'
import { calibration, classAccuracies, confusionMatrix, type Mistake } from '@tricks/run'
import { type RunSummary, summaryOf } from './summary.ts'

/**
 * A run as one page that needs nothing else: no script, no network, light and dark.
 *
 * @example
 * writeFileSync('report.html', reportPage(await readRunFolder('runs/1')))
 */
export function reportPage(record: RunRecord): string {
  const summary = summaryOf(record)
  const body = html`${hero(record, summary)}${notices(record)}
  ${training(record, summary)}${pipeline(record)}${batch(record)}${classes(record)}${sureness(record)}${wrong(record)}${time(record, summary)}${configuration(record)}`
  const accuracy = summary.test && ` · ${percent(summary.test.accuracy)}`
  return document(`${record.name}${accuracy ?? ''}`, body)
}

function hero(record: RunRecord, summary: RunSummary): Html {
  const { test, best, steps, allSteps, seconds, imagesPerSecond, memory } = summary
  const { run } = record
  const flags = (run['flags'] ?? {}) as { recipe?: string; seed?: number }
  const seed = flags.seed === undefined ? undefined : `seed ${flags.seed}`
  const about = new Set([record.name, flags.recipe, seed])
  const images = test?.images === undefined ? 'the' : count(test.images)
  const validated = Number(run['validation'] ?? 0)
  const figure = test
    ? html`<h1>${(test.accuracy * 100).toFixed(2)}<small>%</small></h1>
        <p class="lead">of ${images} test images are right</p>`
    : best
      ? html`<h1>${(best.validation!.accuracy * 100).toFixed(2)}<small>%</small></h1>
          <p class="lead">
            of ${validated ? count(validated) : 'the'} validation images are right, after epoch
            ${best.epoch + 1}. The test images were not looked at.
          </p>`
      : html`<h1 class="words">No accuracy yet</h1>
          <p class="lead">
            ${steps > 0 ? `${count(steps)} steps are done, and nothing was evaluated.` : 'Not a step is recorded.'}
          </p>`
  const facts: [string, Html | string][] = [
    ...(test ? ([['Test loss', decimals(test.loss)]] as [string, string][]) : []),
    [
      'Best validation',
      best ? html`${percent(best.validation!.accuracy)} <span>epoch ${best.epoch + 1}</span>` : '–',
    ],
    ...(summary.calibrationError === undefined
      ? []
      : ([['Calibration error', percent(summary.calibrationError)]] as [string, string][])),
    [
      'Steps',
      html`${count(steps)}${allSteps !== undefined && allSteps !== steps ? html` <span>of ${count(allSteps)}</span>` : undefined}`,
    ],
    ['Training time', seconds === undefined ? '–' : duration(seconds)],
    [
      'Speed',
      imagesPerSecond === undefined
        ? '–'
        : html`${count(Math.round(imagesPerSecond))} <span>images/s</span>`,
    ],
    ['Peak memory', memory === undefined ? '–' : bytes(memory)],
    ...(typeof run['parameters'] === 'number'
      ? ([
          ['Parameters', html`${count(run['parameters'])} <span>${textOf(record, 'model')}</span>`],
        ] as [string, Html][])
      : []),
  ]
  return html`<header class="hero">
    <div>
      <p class="name">
        ${stateMark(summary)}<span>${[...about].filter(Boolean).join(' · ')}</span>
      </p>
      ${figure}
    </div>
    <dl class="facts">
      ${facts.map(
        ([name, value]) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
    </dl>
  </header> `
}

function notices(record: RunRecord): Html {
  const { state, alive, run, damage } = record
  const { resumed = [] } = (run['wallClock'] ?? {}) as { resumed?: { steps: number }[] }
  const skipped = Number(run['skipped'] ?? 0)
  const at = resumed.map(({ steps }) => count(steps)).join(', ')
  const going = state === 'running'
  return html`${[
    state === 'failed' &&
      notice('bad', `The run failed: ${textOf(record, 'error') ?? 'no reason was recorded'}`),
    going &&
      alive === false &&
      notice(
        'bad',
        'The run ended without a word: it was killed, or the machine stopped. It can go on from its last checkpoint.',
      ),
    going && alive !== false && notice('going', 'The run wasn’t over when this page was made.'),
    resumed.length > 0 &&
      notice('', `Stopped and resumed, after ${resumed.length === 1 ? 'step' : 'steps'} ${at}.`),
    skipped > 0 &&
      notice(
        'bad',
        `Steps left out, as a loss or gradient was NaN or infinite: ${count(skipped)}.`,
      ),
    ...damage.map((what) => notice('bad', what)),
  ]}`
}

function training(record: RunRecord, summary: RunSummary): Html {
  const { x, length, ...all } = curvesOf(record, summary)
  const common = { x, ...(length !== undefined && { epochs: length }) }
  const validated = all.validationAccuracy.length > 0
  const both = (train: typeof all.rate, held: typeof all.rate) => [
    { name: 'training', color: '--quiet', points: train, thin: true },
    { name: 'validation', color: '--accent', points: held, dots: held.length < 40 },
  ]
  const mixes = tricksOf(record).some(({ stage }) => ['images', 'mix', 'targets'].includes(stage))
  const note = mixes
    ? 'Training figures are of the images as augmented and the targets as mixed; validation sees neither, so it may be the better of the two.'
    : undefined
  return section(
    'training',
    'Training',
    note,
    html`<div class="body charts">
        ${curves({
          ...common,
          id: 'accuracy',
          title: 'Accuracy',
          series: both(all.trainingAccuracy, all.validationAccuracy),
          y: { unit: ' %' },
          ...(!validated && { under: 'Nothing was evaluated on validation images.' }),
        })}${curves({
          ...common,
          id: 'loss',
          title: 'Loss',
          series: both(all.trainingLoss, all.validationLoss),
        })}${curves({
          ...common,
          id: 'rate',
          title: 'Learning rate',
          series: [{ name: 'learning rate', color: '--ink', points: all.rate }],
          y: { min: 0 },
        })}
      </div>
      ${epochTable(record)}`,
  )
}

function epochTable({ epochs }: RunRecord): Html | undefined {
  if (epochs.length === 0) return undefined
  const heads = [
    'Epoch',
    'Rate',
    'Training loss',
    'accuracy',
    'Validation loss',
    'accuracy',
    'Time',
  ]
  const rows = epochs.map(({ epoch, rate, training: own, validation, wallClock }) => [
    count(epoch + 1),
    String(Number(rate.toPrecision(3))),
    decimals(own.loss),
    percent(own.accuracy),
    decimals(validation?.loss),
    percent(validation?.accuracy),
    wallClock?.seconds === undefined ? '–' : duration(wallClock.seconds),
  ])
  return html`<details id="epochs">
    <summary>Every epoch in figures</summary>
    <div class="scroll">
      <table class="epochs">
        <thead>
          <tr>
            ${heads.map((head) => html`<th scope="col">${head}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            (row) =>
              html`<tr>
                ${row.map((cell) => html`<td>${cell}</td>`)}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </details>`
}

function pipeline(record: RunRecord): Html {
  const rows = tricksOf(record)
  return section(
    'pipeline',
    'Pipeline',
    'The tricks in the order of a step, with every option as it was resolved.',
    rows.length === 0
      ? absent('No trick is recorded.')
      : html`<div class="scroll">
          <table class="pipeline">
            <tbody>
              ${rows.map(
                ({ stage, name, options }) =>
                  html`<tr>
                    <td>${stage}</td>
                    <td><b>${name}</b> <code>${options}</code></td>
                  </tr>`,
              )}
            </tbody>
          </table>
        </div>`,
  )
}

function batch({ batch: shown }: RunRecord): Html {
  return section(
    'batch',
    'What the network saw',
    shown &&
      `Of step ${shown.step + 1}’s very batch: above as in the data, below as augmented and mixed by what was drawn for it.`,
    shown
      ? html`<ul class="pictures body">
          ${shown.images.map(
            ({ original, seen, label, drawn }) =>
              html`<li>
                ${picture(original, label)}${picture(seen, `${label}, as the network saw it`)}
                <p><b>${label}</b>${drawn.map((line) => html`<br />${line}`)}</p>
              </li>`,
          )}
        </ul>`
      : absent('The run kept no pictures of its batches.'),
  )
}

const noTest = 'The test images were not looked at: that is done once, when a run is over.'

function classes(record: RunRecord): Html {
  const { test } = record
  if (!test) return section('classes', 'Classes', undefined, absent(noTest))
  const names = classNames(record)
  const matrix = confusionMatrix(test)
  const pairs = matrix
    .flatMap((row, label) =>
      row
        .map((times, predicted) => ({ label, predicted, times }))
        .filter((each) => each.label !== each.predicted && each.times > 0),
    )
    .toSorted((a, b) => b.times - a.times || a.label - b.label || a.predicted - b.predicted)
    .slice(0, 6)
  const accuracies = classAccuracies(matrix).map((each, i) => ({ ...each, name: names[i]! }))
  const sorted = accuracies.toSorted((a, b) => (b.accuracy || 0) - (a.accuracy || 0))
  return section(
    'classes',
    'Classes',
    'Each row is a class of the test images, each column what they were taken for.',
    html`<div class="columns">
      <div id="confusion">
        ${names.length <= 20 ? confusionTable(matrix, names) : confusionPicture(matrix)}
      </div>
      <div>
        <h3 style="margin-bottom:12px">Accuracy of each class</h3>
        <ul class="bars${names.length > 40 ? ' many' : ''}" id="per-class">
          ${sorted.map(
            ({ name, accuracy }) =>
              html`<li>
                <span>${name}</span
                ><span class="bar" style="--share:${(accuracy || 0).toFixed(4)}"></span
                ><span>${percent(accuracy, 1)}</span>
              </li>`,
          )}
        </ul>
        <div class="confused">
          <h3>Most often taken for another</h3>
          <ol>
            ${pairs.map(
              ({ label, predicted, times }) =>
                html`<li>
                  <span>${names[label]} → ${names[predicted]}</span><span>${count(times)}</span>
                </li>`,
            )}
          </ol>
        </div>
      </div>
    </div>`,
  )
}

function confusionTable(matrix: readonly (readonly number[])[], names: readonly string[]): Html {
  const most = Math.max(1, ...matrix.flatMap((row, i) => row.filter((_, j) => i !== j)))
  const cell = (times: number, i: number, j: number, images: number): Html => {
    if (times === 0) return html`<td class="zero">·</td>`
    const share = i === j ? times / images : times / most
    const strong = share > (i === j ? 0.6 : 0.75)
    return html`<td
      class="${i === j ? 'right' : 'wrong'}${strong && ' strong'}"
      style="--share:${share.toFixed(3)}"
    >
      ${times}
    </td>`
  }
  return html`<table class="confusion">
    <thead>
      <tr>
        <th></th>
        ${names.map((name) => html`<th scope="col"><span>${name}</span></th>`)}
      </tr>
    </thead>
    <tbody>
      ${matrix.map((row, i) => {
        const images = row.reduce((sum, times) => sum + times, 0)
        return html`<tr>
          <th scope="row">${names[i]}</th>
          ${row.map((times, j) => cell(times, i, j, images))}
        </tr>`
      })}
    </tbody>
  </table>`
}

/** Too many classes for numbers: a pixel a cell, blue where right and red where wrong, on whatever is below. */
function confusionPicture(matrix: readonly (readonly number[])[]): Html {
  const size = matrix.length
  const most = Math.max(1, ...matrix.flatMap((row, i) => row.filter((_, j) => i !== j)))
  const data = new Uint8Array(size * size * 4)
  matrix.forEach((row, i) => {
    const images = Math.max(
      1,
      row.reduce((sum, times) => sum + times, 0),
    )
    row.forEach((times, j) => {
      const [color, share] =
        i === j ? [[60, 120, 230], times / images] : [[220, 85, 60], times / most]
      data.set([...color, Math.round(255 * share)], (i * size + j) * 4)
    })
  })
  const matrixPicture = { pixels: data, width: size, height: size, channels: 4 }
  return html`<img
    class="matrix"
    width="${size}"
    height="${size}"
    alt="Confusion matrix of ${size} classes"
    src="${pngUrl(matrixPicture)}"
  />`
}

function sureness({ test }: RunRecord): Html {
  if (!test) return section('calibration', 'Calibration', undefined, absent(noTest))
  const { bins, expectedError, maximumError } = calibration(test)
  const filled = bins.filter(({ count: images }) => images > 0)
  const images = test.labels.length
  const mean = (field: 'confidence' | 'accuracy'): number =>
    filled.reduce((sum, bin) => sum + bin[field] * bin.count, 0) / images
  const [confidence, accuracy] = [mean('confidence'), mean('accuracy')]
  const gap = confidence - accuracy
  const words =
    Math.abs(gap) < 0.01
      ? 'It is about as sure as it is right.'
      : `It is ${gap > 0 ? 'surer than it is right' : 'less sure than it is right'}: ${percent(confidence, 1)} sure on average, and ${percent(accuracy, 1)} right.`
  return section(
    'calibration',
    'Calibration',
    words,
    html`<div class="columns">
      <figure class="chart">
        <figcaption>
          <strong>Right, by how sure</strong
          ><span class="key" style="--color:var(--accent)">accuracy</span
          ><span class="key" style="--color:var(--bad)">gap</span
          ><span class="key" style="--color:var(--quiet)">images</span>
        </figcaption>
        ${reliabilityDiagram(
          'reliability',
          `Accuracy over confidence in ${bins.length} bins; expected calibration error ${percent(expectedError)}`,
          bins,
        )}
      </figure>
      <dl class="facts" style="align-content:start">
        <div>
          <dt>Expected calibration error</dt>
          <dd>${percent(expectedError)}</dd>
        </div>
        <div>
          <dt>Largest gap of a bin</dt>
          <dd>${percent(maximumError)}</dd>
        </div>
        <div>
          <dt>Mean confidence</dt>
          <dd>${percent(confidence)}</dd>
        </div>
        <div>
          <dt>Accuracy</dt>
          <dd>${percent(accuracy)}</dd>
        </div>
      </dl>
    </div>`,
  )
}

function wrong(record: RunRecord): Html {
  const { test } = record
  if (!test) return section('mistakes', 'Mistakes', undefined, absent(noTest))
  const names = classNames(record)
  const { worst, surest } = shownMistakes(test)
  const show = (list: readonly Mistake[]): Html =>
    html`<ul class="pictures">
      ${list.map(({ index, label, predicted, confidence, own }) => {
        const pixels = test.pictures.get(index)
        return html`<li>
          ${pixels ? picture(pixels, names[label]!) : undefined}
          <p>
            <b>${names[label]}</b> ${percent(own, own < 0.001 ? 2 : 1)}<br /><i
              >${names[predicted]}</i
            >
            ${percent(confidence, 1)}
          </p>
        </li>`
      })}
    </ul>`
  return section(
    'mistakes',
    'Mistakes',
    'The class of the image, then what it was taken for, each with the probability that the network gave it.',
    worst.length === 0
      ? absent('There is none.')
      : html`<div class="body">
          <div class="group" id="worst">
            <h3>Worst <span>the highest loss</span></h3>
            ${show(worst)}
          </div>
          <div class="group" id="surest">
            <h3>
              Most confident <span>of each class, the one that the network was surest of</span>
            </h3>
            ${show(surest)}
          </div>
        </div>`,
  )
}

function time(record: RunRecord, summary: RunSummary): Html {
  const { x, length, speed, seconds, memory } = curvesOf(record, summary)
  const common = { x, ...(length !== undefined && { epochs: length }) }
  const [hardware, backend = 'unknown'] = ['hardware', 'backend'].map((name) =>
    textOf(record, name),
  )
  return section(
    'time',
    'Time and memory',
    hardware && `${hardware}, backend ${backend}`,
    html`<div class="body charts">
      ${curves({ ...common, id: 'speed', title: 'Images a second', series: [{ name: 'images a second', color: '--ink', points: speed, thin: true }], y: { min: 0 } })}${curves({ ...common, id: 'seconds', title: 'Seconds an epoch', series: [{ name: 'seconds an epoch', color: '--ink', points: seconds, dots: true }], y: { min: 0 } })}${curves({ ...common, id: 'memory', title: 'Resident memory', series: [{ name: 'resident memory', color: '--ink', points: memory, dots: true }], y: { min: 0, unit: ' MB' } })}
    </div>`,
  )
}

function configuration(record: RunRecord): Html {
  const settings = settingsOf(record)
  const command = textOf(record, 'command')
  return html`${section(
    'configuration',
    'Configuration',
    undefined,
    settings.length === 0
      ? absent('It is not known.')
      : html`<dl class="settings body">
          ${settings.map(
            ([name, value]) =>
              html`<div>
                <dt>${name}</dt>
                <dd>${value}</dd>
              </div>`,
          )}
        </dl>`,
  )}${section(
    'again',
    'Run it again',
    undefined,
    html`<div class="body">
      ${
        command !== undefined
          ? html`<pre><code>${command}</code></pre>
              <p>The same seed on the same backend gives the same weights, bit for bit.</p>`
          : html`<p class="absent">The command was not recorded.</p>`
      }
    </div>`,
  )}`
}
