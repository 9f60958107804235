const { writeFileSync } = require('node:fs')
const { useAll } = require('./uses.cjs')

useAll(require, require('./names.json')).then(
  (done) => {
    writeFileSync('done.json', JSON.stringify(done))
    process.exit()
  },
  (error) => {
    console.error(error)
    process.exit(1)
  },
)
