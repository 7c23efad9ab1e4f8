// Prints {"text", "ids"} of random texts as the Hugging Face library encodes them: node oracle.js TOKENIZER_JSON SEED COUNT
'use strict';
const { Tokenizer } = require('tokenizers');
const { fuzz } = require('./texts.js');

const [file, seed, count] = process.argv.slice(2);
(async () => {
  const tokenizer = Tokenizer.fromFile(file);
  let lines = [];
  const flush = async () => { if (!process.stdout.write(lines.join(''))) await new Promise(done => process.stdout.once('drain', done)); lines = []; };
  for (const text of fuzz(Number(seed), Number(count))) {
    lines.push(JSON.stringify({ text, ids: (await tokenizer.encode(text, null, { addSpecialTokens: false })).getIds() }) + '\n');
    if (lines.length === 1000) await flush();
  }
  await flush();
})();
