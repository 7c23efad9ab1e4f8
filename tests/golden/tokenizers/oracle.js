// Prints {"text", "ids", "special"} of texts as the Hugging Face library encodes them, without and with special tokens:
//   node oracle.js TOKENIZER_JSON SEED COUNT [TEXTS_JSON]
// COUNT random texts, in which tokens of the file occur, after those of the list in TEXTS_JSON; {"refused"} where the library does not
// load the file.
'use strict';
const fs = require('fs');
const { Tokenizer } = require('tokenizers');
const { fuzz, random } = require('./texts.js');

const [file, seed, count, list] = process.argv.slice(2);

// Added tokens and pieces of the vocabulary, spaces in place of what stands for them.
function tokensOf(json) {
  const next = random(Number(seed));
  const some = (all, n) => all.length <= n ? all : Array.from({ length: n }, () => all[next(all.length)]);
  const vocab = Array.isArray(json.model.vocab) ? json.model.vocab.map(pair => pair[0]) : Object.keys(json.model.vocab);
  const added = (json.added_tokens ?? []).map(token => token.content);
  const pieces = some(vocab, 300).map(token => token.replace(/[\u0120\u2581]/gu, ' ').replace(/\u010a/gu, '\n').replace(/<\/w>$/u, ''));
  return [...some(added, 100), ...some(added, 20).map(token => ' ' + token + ' '), ...pieces];
}

(async () => {
  let tokenizer;
  try {
    tokenizer = Tokenizer.fromFile(file);
  } catch (e) {
    console.log(JSON.stringify({ refused: String(e) }));
    return;
  }
  // Padding and truncation are none of an engine's prompts.
  try { tokenizer.disableTruncation(); tokenizer.disablePadding(); } catch {}
  const ids = async (text, addSpecialTokens) => (await tokenizer.encode(text, null, { addSpecialTokens })).getIds();
  let lines = [];
  const flush = async () => { if (!process.stdout.write(lines.join(''))) await new Promise(done => process.stdout.once('drain', done)); lines = []; };
  const made = fuzz(Number(seed), Number(count), tokensOf(JSON.parse(fs.readFileSync(file, 'utf8').replace(/^\ufeff/u, ''))));
  for (const text of [...(list ? JSON.parse(fs.readFileSync(list, 'utf8')) : []), ...made]) {
    lines.push(JSON.stringify({ text, ids: await ids(text, false), special: await ids(text, true) }) + '\n');
    if (lines.length === 1000) await flush();
  }
  await flush();
})();
