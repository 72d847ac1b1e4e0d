// Unmodified tus-js-client: uploads a file, is cut in the middle several times, resumes. Arguments: endpoint, token, photo, sha256, file, cuts.
import { readFile } from 'node:fs/promises'
import { Upload } from 'tus-js-client'

const [endpoint, token, photo, sha256, file, cuts] = process.argv.slice(2)
const data = await readFile(file)
let left = Number(cuts), url
for (;;) {
  const done = await new Promise((resolve, reject) => {
    const upload = new Upload(data, {
      endpoint, uploadUrl: url, chunkSize: 256 * 1024, retryDelays: [200, 500, 1000],
      headers: { Authorization: `Bearer ${token}` },
      metadata: { photo, sha256, filename: '现场.jpg' },
      onProgress: (sent) => {
        url = upload.url ?? url
        if (left > 0 && url && sent > data.length * Math.random()) { left--; upload.abort().then(() => resolve(false)) }
      },
      onError: reject,
      onSuccess: () => resolve(true),
    })
    upload.start()
  })
  if (done) break
}
console.log('done')
