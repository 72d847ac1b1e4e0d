// Runs one printed store: reads {store, code, lives} and says how many pages it took in, or where it first differed.
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'

const require = createRequire(join(process.argv[2], 'package.json'))
const { store, code, lives } = JSON.parse(readFileSync(0, 'utf8'))
const SYNCED = ['notes', 'quarantine', 'conflicts']

async function watermelon () {
  const { Database, Model, Q, appSchema, tableSchema } = require('@nozbe/watermelondb')
  const LokiJSAdapter = require('@nozbe/watermelondb/adapters/lokijs').default
  require('@nozbe/watermelondb/utils/common/logger').default.silence()
  const { setGenerator } = require('@nozbe/watermelondb/utils/common/randomId')
  setGenerator(() => crypto.randomUUID())
  const columns = [['scope', 'string'], ['revision', 'number'], ['hash', 'string'], ['body', 'string']].map(([name, type]) => ({ name, type }))
  const schema = appSchema({ version: 1, tables: SYNCED.map(name => tableSchema({ name, columns })) })
  const models = SYNCED.map(name => { const made = class extends Model {}; made.table = name; return made })
  const { applyPage } = new Function('Q', 'SYNCED', `${code}; return { applyPage }`)(Q, SYNCED)
  let number = 0
  return {
    begin: async () => new Database({
      adapter: new LokiJSAdapter({ schema, dbName: `life${number++}`, useWebWorker: false, useIncrementalIndexedDB: false, extraLokiOptions: { autosave: false } }),
      modelClasses: models
    }),
    take: applyPage,
    rows: async database => (await Promise.all(SYNCED.map(async name => (await database.get(name).query().fetch()).map(row =>
      [name, row.id, row._raw.scope, row._raw.revision, row._raw.hash, JSON.parse(row._raw.body)])))).flat(),
    end: async () => {}
  }
}

async function rx () {
  const { createRxDatabase, addRxPlugin } = require('rxdb')
  const { getRxStorageMemory } = require('rxdb/plugins/storage-memory')
  const { RxDBLocalDocumentsPlugin } = require('rxdb/plugins/local-documents')
  addRxPlugin(RxDBLocalDocumentsPlugin)
  const text = { type: 'string', maxLength: 150 }
  const schema = {
    version: 0, primaryKey: 'key', type: 'object', indexes: ['scope'], required: ['key', 'scope'],
    properties: { key: text, scope: text, table: { type: 'string' }, record: { type: 'string' }, rev: { type: 'number' }, hash: { type: 'string' }, data: { type: ['object', 'null'] } }
  }
  const { applyPage } = new Function(`${code}; return { applyPage }`)()
  let number = 0
  return {
    begin: async () => {
      const db = await createRxDatabase({ name: `life${number++}`, storage: getRxStorageMemory(), multiInstance: false })
      await db.addCollections({ rows: { schema, localDocuments: true } })
      return db
    },
    take: applyPage,
    rows: async db => (await db.rows.find().exec()).map(row => row.toJSON()).map(row => [row.table, row.record, row.scope, row.rev, row.hash, row.data]),
    end: db => db.close()
  }
}

const order = rows => rows.sort((one, two) => one[0] + one[1] < two[0] + two[1] ? -1 : 1)
const printed = await { watermelondb: watermelon, rxdb: rx }[store]()
let pages = 0
for (const life of lives) {
  const database = await printed.begin()
  for (const { page, mirror } of life) {
    await printed.take(database, page)
    pages++
    const held = order(await printed.rows(database))
    if (!isDeepStrictEqual(held, order(mirror))) {
      const only = (some, others) => JSON.stringify(some.filter(row => !others.some(other => isDeepStrictEqual(row, other))))
      console.log(`page ${pages} is taken in otherwise: it holds ${only(held, mirror)} instead of ${only(mirror, held)}`)
      console.log(JSON.stringify(page.ops.map(({ op, collection, id, scope }) => [op, collection, id, scope])))
      process.exit(1)
    }
  }
  await printed.end(database)
}
console.log(`${lives.length} mirrors, ${pages} pages, each as it should be`)
process.exit(0)
