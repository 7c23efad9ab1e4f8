// Trains small tokenizers, one per shape that models in the field have, from our own documents, and records the ids that the
// Hugging Face library gives for texts.js:
//   npm install --ignore-scripts --prefix DIR tokenizers@0.23.2
//   NODE_PATH=DIR/node_modules node tests/golden/tokenizers/train.js
'use strict';
const fs = require('fs');
const path = require('path');
const { Tokenizer } = require('tokenizers');
const { own, fuzz } = require('./texts.js');

const root = path.join(__dirname, '..', '..', '..');
const docs = ['README.md', 'CONTRIBUTING.md', 'docs/architecture.md', 'docs/scorers.md'].map(f => fs.readFileSync(path.join(root, f), 'utf8')).join('\n');
const corpus = docs.slice(0, 60000) + '\n' + own.join('\n').repeat(3);
const texts = [...own, ...fuzz(20261120, 60)];

const make = parts => Tokenizer.fromString(JSON.stringify({
  version: '1.0', truncation: null, padding: null, added_tokens: [], normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null,
  model: { type: 'WordLevel', vocab: { '?': 0 }, unk_token: '?' }, ...parts }));

// --- training
function words(parts, text) {
  const t = make(parts);
  const normalized = parts.normalizer ? t.getNormalizer().normalizeString(text) : text;
  const counts = new Map();
  for (const line of normalized.split('\n')) {
    for (const [w] of parts.pre_tokenizer ? t.getPreTokenizer().preTokenizeString(line + '\n') : [[line]]) counts.set(w, (counts.get(w) ?? 0) + 1);
  }
  return counts;
}
function trainBpe(counts, alphabet, merges, { prefix = '', suffix = '' } = {}) {
  const vocab = new Map();
  const id = t => { if (!vocab.has(t)) vocab.set(t, vocab.size); return t; };
  alphabet.forEach(id);
  const list = [...counts].map(([w, n]) => [[...w].map((c, i, all) => id((i ? prefix : '') + c + (i === all.length - 1 ? suffix : ''))), n]);
  const out = [];
  while (out.length < merges) {
    const pairs = new Map();
    for (const [w, n] of list) for (let i = 0; i + 1 < w.length; i++) { const k = w[i] + ' ' + w[i + 1]; pairs.set(k, (pairs.get(k) ?? 0) + n); }
    let best = null, most = 1;
    for (const [k, n] of pairs) if (n > most || (n === most && best && k < best)) { best = k; most = n; }
    if (!best) break;
    const [a, b] = best.split(' ');
    const made = id(a + b.slice(prefix.length));
    out.push([a, b]);
    for (const entry of list) {
      const w = entry[0];
      for (let i = 0; i + 1 < w.length; i++) if (w[i] === a && w[i + 1] === b) w.splice(i, 2, made);
    }
  }
  return { vocab: Object.fromEntries(vocab), merges: out };
}
const byteAlphabet = [...Array(256).keys()].map(b => (b > 32 && b < 127) || (b > 160 && b !== 173) ? b : -1);
let standIn = 256;
byteAlphabet.forEach((c, b) => { if (c < 0) byteAlphabet[b] = standIn++; });
const bytes = byteAlphabet.map(c => String.fromCodePoint(c));
const gpt2Split = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
const noSplit = { ...gpt2Split, use_regex: false };
const bpeBase = { type: 'BPE', dropout: null, unk_token: null, continuing_subword_prefix: null, end_of_word_suffix: null, fuse_unk: false, byte_fallback: false, ignore_merges: false };
const byteLevel = trainBpe(words({ pre_tokenizer: gpt2Split }, corpus), bytes, 350);
const bpe = o => ({ ...bpeBase, ...byteLevel, ...o });

const legacySpaces = { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: '\u2581' }, { type: 'Replace', pattern: { String: ' ' }, content: '\u2581' }] };
const metaspace = (prepend_scheme, split) => ({ type: 'Metaspace', replacement: '\u2581', prepend_scheme, split });
const common = [...new Set(corpus)].filter(c => c >= ' ' && c !== ' ' && c < '\u0400');
const fallback = [...Array(256).keys()].map(b => `<0x${b.toString(16).toUpperCase().padStart(2, '0')}>`);
const spm = (() => {
  const t = trainBpe(words({ pre_tokenizer: metaspace('always', true) }, docs.slice(0, 40000)), ['<unk>', '<s>', '</s>', ...fallback, '\u2581', '\u2581\u2581', ...common], 300);
  t.merges.unshift(['\u2581', '\u2581']);
  return { ...bpeBase, unk_token: '<unk>', fuse_unk: true, byte_fallback: true, ...t };
})();

function unigram(parts, unkAt, extra, byteFallback) {
  const counts = new Map();
  for (const [w, n] of words(parts, corpus)) {
    const chars = [...w];
    for (let i = 0; i < chars.length; i++) for (let l = 1; l <= 6 && i + l <= chars.length; l++) {
      const s = chars.slice(i, i + l).join('');
      counts.set(s, (counts.get(s) ?? 0) + n * l);
    }
  }
  const top = [...counts].filter(([s, n]) => [...s].length > 1 ? n > 60 : n > 3).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, 600);
  const total = top.reduce((sum, [, n]) => sum + n, 0);
  const vocab = [...extra.map(t => [t, 0]), ...(byteFallback ? fallback.map(t => [t, 0]) : []), ...top.map(([s, n]) => [s, Math.log(n / total)])];
  return { type: 'Unigram', unk_id: unkAt, vocab, byte_fallback: byteFallback };
}

// SentencePiece's character map: entries into a double-array trie, first fit.
function charsmap(entries) {
  const root = { kids: new Map(), value: -1 };
  let blob = Buffer.alloc(0);
  for (const [from, to] of entries) {
    let node = root;
    for (const b of Buffer.from(from)) { if (!node.kids.has(b)) node.kids.set(b, { kids: new Map(), value: -1 }); node = node.kids.get(b); }
    node.value = blob.length;
    blob = Buffer.concat([blob, Buffer.from(to), Buffer.from([0])]);
  }
  const units = new Map([[0, 0]]);
  const place = (node, at, label) => {
    const labels = [...node.kids.keys(), ...(node.value >= 0 ? [0] : [])];
    let base = 1;
    while (labels.some(l => units.has(base ^ l))) base++;
    labels.forEach(l => units.set(base ^ l, 0));
    units.set(at, ((at ^ base) << 10) | (node.value >= 0 ? 256 : 0) | label);
    if (node.value >= 0) units.set(base, (node.value | 0x80000000) >>> 0);
    for (const [b, kid] of node.kids) place(kid, base ^ b, b);
  };
  place(root, 0, 0);
  const size = (Math.max(...units.keys()) | 255) + 1;
  const array = new Uint32Array(size);
  for (const [at, unit] of units) array[at] = unit;
  return Buffer.concat([Buffer.from(new Uint32Array([array.byteLength]).buffer), Buffer.from(array.buffer), blob]).toString('base64');
}
const mapped = new Map([['\r', ' '], ['\n', ' '], ['\t', ' '], ['\u3000', ' '], ['\u00a0', ' '], ['\u200b', ''], ['\u00ad', ''], ['\u2026', '...'], ['e\u0301', '\u00e9'], ['a\u0301', '\u00e1'], ['\u1100\u1161', '\uac00']]);
for (const c of '\uff21\uff42\uff43\uff11\uff12\uff13\uff01\uff0c\ufb01\ufb03\u00bd\u00b2\u2167\u212b\u2126\u212a\u00e4') mapped.set(c, c.normalize('NFKC'));
const precompiled = { type: 'Precompiled', precompiled_charsmap: charsmap([...mapped].sort((a, b) => Buffer.compare(Buffer.from(a[0]), Buffer.from(b[0])))) };

// --- shapes
const token = (content, o = {}) => ({ id: 0, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true, ...o });
const split = (re, behavior = 'Isolated', invert = false) => ({ type: 'Split', pattern: { Regex: re }, behavior, invert });
const seq = (...pretokenizers) => ({ type: 'Sequence', pretokenizers });
const nseq = (...normalizers) => ({ type: 'Sequence', normalizers });
const template = (t, before, after) => {
  const special = x => ({ SpecialToken: { id: x, type_id: 0 } });
  const single = [...before.map(special), { Sequence: { id: 'A', type_id: 0 } }, ...after.map(special)];
  const ids = Object.fromEntries([...before, ...after].map(x => [x, { id: x, ids: [t.tokenToId(x)], tokens: [x] }]));
  return { type: 'TemplateProcessing', single, pair: [...single, { Sequence: { id: 'B', type_id: 1 } }], special_tokens: ids };
};
const llama3 = String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;
const upper = String.raw`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`, lowerc = String.raw`[\p{Ll}\p{Lm}\p{Lo}\p{M}]`, lead = String.raw`[^\r\n\p{L}\p{N}]?`;
const tail = String.raw`| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`;
const o200k = c => `${lead}${upper}*${lowerc}+${c}|${lead}${upper}+${lowerc}*${c}|`;
const contraction = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?";
const specials = [token('<s>'), token('</s>'), token('<|end|>'), token('<mask>', { lstrip: true })];
// A suffix on the last character of each piece makes the cuts visible in the ids.
const visible = (() => {
  const chars = [...new Set(corpus + 'abcdefghijklmnopqrstuvwxyz')].filter(c => c < '\u3000').slice(0, 260);
  const t = trainBpe(new Map(), ['<unk>', ...chars, ...chars.map(c => c + '</w>')], 0);
  return { ...bpeBase, unk_token: '<unk>', end_of_word_suffix: '</w>', ...t };
})();
const bertVocab = (() => {
  const counts = words({ normalizer: { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: true }, pre_tokenizer: { type: 'BertPreTokenizer' } }, corpus);
  const t = trainBpe(counts, ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'], 250, { prefix: '##' });
  return t.vocab;
})();

const shapes = {
  'gpt2': { model: bpe({}), pre_tokenizer: gpt2Split, post_processor: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: false, use_regex: true }, added_tokens: [token('<|end|>', { normalized: true })] },
  'roberta': { model: bpe({}), pre_tokenizer: { ...gpt2Split, add_prefix_space: true }, added_tokens: [token('<s>', { normalized: true }), token('</s>', { normalized: true }), token('<mask>', { lstrip: true })], post: t => ({ type: 'RobertaProcessing', sep: ['</s>', t.tokenToId('</s>')], cls: ['<s>', t.tokenToId('<s>')], trim_offsets: true, add_prefix_space: true }) },
  'llama3': { model: bpe({ ignore_merges: true }), pre_tokenizer: seq(split(llama3), noSplit), added_tokens: specials, post: t => ({ type: 'Sequence', processors: [{ type: 'ByteLevel', add_prefix_space: true, trim_offsets: false, use_regex: true }, template(t, ['<s>'], [])] }) },
  'qwen2': { model: bpe({}), normalizer: { type: 'NFC' }, pre_tokenizer: seq(split(llama3.replace('{1,3}', '')), noSplit), added_tokens: specials },
  'qwen3.5-marks': { model: bpe({}), normalizer: { type: 'NFC' }, pre_tokenizer: seq(split(String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`), noSplit), added_tokens: specials },
  'o200k': { model: bpe({ ignore_merges: true }), pre_tokenizer: seq(split(o200k(contraction) + String.raw`\p{N}{1,3}` + tail), noSplit), added_tokens: specials },
  'tekken': { model: bpe({ ignore_merges: true }), pre_tokenizer: seq(split(o200k('') + String.raw`\p{N}` + tail), noSplit), added_tokens: specials, post: t => template(t, ['<s>'], ['</s>']) },
  'cl100k-possessive': { model: bpe({}), pre_tokenizer: seq(split(String.raw`'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s`), noSplit), added_tokens: specials },
  'deepseek3': { model: bpe({}), normalizer: nseq(), pre_tokenizer: seq(split(String.raw`\p{N}{1,3}`), split('[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+'), split('[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+'), noSplit), added_tokens: specials, post: t => template(t, ['<s>'], []) },
  'kimi-han': { model: bpe({}), pre_tokenizer: seq(split(String.raw`[\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`), noSplit), added_tokens: specials },
  'smollm': { model: bpe({}), pre_tokenizer: seq({ type: 'Digits', individual_digits: true }, gpt2Split), added_tokens: specials },
  'falcon': { model: bpe({}), pre_tokenizer: seq({ type: 'Punctuation', behavior: 'Contiguous' }, gpt2Split, { type: 'Digits', individual_digits: false }, split('[0-9][0-9][0-9]')), added_tokens: specials },
  'bloom': { model: bpe({}), pre_tokenizer: seq(split(' ?[^(\\s|[.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c])]+'), noSplit), added_tokens: specials },
  'whisper': { model: bpe({}), pre_tokenizer: gpt2Split, added_tokens: [token('<|end|>'), token('<s>', { special: false, normalized: true }), token('word', { special: false, single_word: true, normalized: true })], post: t => template(t, ['<|end|>', '<s>'], ['<|end|>']) },
  'clip': (() => {
    const n = nseq({ type: 'NFC' }, { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' }, { type: 'Lowercase' });
    const p = seq(split(String.raw`<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`, 'Removed', true), noSplit);
    const t = trainBpe(words({ normalizer: n, pre_tokenizer: p }, corpus), [...bytes, ...bytes.map(b => b + '</w>')], 200, { suffix: '</w>' });
    return { model: { ...bpeBase, unk_token: '<|end|>', end_of_word_suffix: '</w>', continuing_subword_prefix: '', ...t, vocab: { ...t.vocab, '<|end|>': Object.keys(t.vocab).length } }, normalizer: n, pre_tokenizer: p, added_tokens: [token('<s>', { normalized: true }), token('<|end|>')], post: k => ({ type: 'RobertaProcessing', sep: ['<|end|>', k.tokenToId('<|end|>')], cls: ['<s>', k.tokenToId('<s>')], trim_offsets: false, add_prefix_space: false }) };
  })(),
  'llama2-legacy': { model: spm, normalizer: legacySpaces, added_tokens: [token('<unk>'), token('<s>'), token('</s>')], post: t => template(t, ['<s>'], []) },
  'llama2-normalized-tokens': { model: spm, normalizer: legacySpaces, added_tokens: [token('<unk>', { normalized: true }), token('<s>', { normalized: true }), token('</s>', { normalized: true }), token('<|end|>', { rstrip: true })] },
  'phi3-medium': { model: spm, normalizer: legacySpaces, added_tokens: [token('<unk>'), token('<s>'), token('</s>', { special: false, rstrip: true }), token('<|end|>', { rstrip: true }), token('<mask>', { rstrip: true, lstrip: true })] },
  'llama2-metaspace-first': { model: spm, pre_tokenizer: metaspace('first', false), added_tokens: [token('<unk>'), token('<s>'), token('</s>')], post: t => template(t, ['<s>'], []) },
  'metaspace-always': { model: spm, pre_tokenizer: metaspace('always', true), added_tokens: [token('<s>'), token('</s>')] },
  'metaspace-never': { model: spm, pre_tokenizer: metaspace('never', true), added_tokens: [token('<s>'), token('</s>')] },
  'metaspace-first-strip': { model: spm, normalizer: { type: 'Strip', strip_left: true, strip_right: true }, pre_tokenizer: metaspace('first', true), added_tokens: [token('<s>'), token('</s>')] },
  'gemma': { model: spm, normalizer: { type: 'Replace', pattern: { String: ' ' }, content: '\u2581' }, pre_tokenizer: { type: 'Split', pattern: { String: ' ' }, behavior: 'MergedWithPrevious', invert: false }, added_tokens: [token('<unk>'), token('<s>'), token('</s>'), token('\n\n', { special: false }), token('\u2581\u2581', { special: false })], post: t => template(t, ['<s>'], []) },
  'bpe-unknown': { model: { ...spm, byte_fallback: false, fuse_unk: false, ignore_merges: true }, pre_tokenizer: metaspace('always', true), added_tokens: [token('<s>')] },
  'bpe-subword-prefix': (() => {
    const p = { type: 'Whitespace' };
    const t = trainBpe(words({ pre_tokenizer: p }, docs), ['<unk>'], 200, { prefix: '##', suffix: '</w>' });
    return { model: { ...bpeBase, unk_token: '<unk>', fuse_unk: true, continuing_subword_prefix: '##', end_of_word_suffix: '</w>', ...t }, pre_tokenizer: p };
  })(),
  't5': (() => {
    const p = seq({ type: 'WhitespaceSplit' }, metaspace('always', true));
    return { model: unigram({ normalizer: precompiled, pre_tokenizer: p }, 2, ['<pad>', '</s>', '<unk>'], false), normalizer: precompiled, pre_tokenizer: p, added_tokens: [token('<pad>'), token('</s>'), token('<unk>'), token('<mask>', { lstrip: true, rstrip: true })], post: t => template(t, [], ['</s>']) };
  })(),
  'unigram-bytes': (() => {
    const n = nseq({ type: 'Nmt' }, { type: 'NFKC' }, { type: 'Replace', pattern: { Regex: ' {2,}' }, content: ' ' });
    const p = metaspace('first', true);
    return { model: unigram({ normalizer: n, pre_tokenizer: p }, 0, ['<unk>', '<s>', '</s>'], true), normalizer: n, pre_tokenizer: p, added_tokens: [token('<unk>'), token('<s>'), token('</s>')], post: t => template(t, ['<s>'], ['</s>']) };
  })(),
  'albert': (() => {
    const n = nseq({ type: 'Replace', pattern: { String: '``' }, content: '"' }, { type: 'NFKD' }, { type: 'StripAccents' }, { type: 'Lowercase' }, precompiled, { type: 'Replace', pattern: { Regex: ' {2,}' }, content: '\u2581' });
    const p = metaspace('always', false);
    return { model: unigram({ normalizer: n, pre_tokenizer: p }, 1, ['<pad>', '<unk>', '[CLS]', '[SEP]', '[MASK]'], false), normalizer: n, pre_tokenizer: p, added_tokens: [token('[CLS]'), token('[SEP]'), token('[MASK]', { lstrip: true })], post: t => template(t, ['[CLS]'], ['[SEP]']) };
  })(),
  'bert-uncased': { model: { type: 'WordPiece', unk_token: '[UNK]', continuing_subword_prefix: '##', max_input_chars_per_word: 100, vocab: bertVocab }, normalizer: { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: true }, pre_tokenizer: { type: 'BertPreTokenizer' }, added_tokens: ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'].map(x => token(x)), post: t => template(t, ['[CLS]'], ['[SEP]']) },
  'bert-cased': { model: { type: 'WordPiece', unk_token: '[UNK]', continuing_subword_prefix: '##', max_input_chars_per_word: 20, vocab: bertVocab }, normalizer: { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: false, strip_accents: false, lowercase: false }, pre_tokenizer: { type: 'BertPreTokenizer' }, added_tokens: [token('[CLS]'), token('[SEP]')], post: t => ({ type: 'BertProcessing', sep: ['[SEP]', t.tokenToId('[SEP]')], cls: ['[CLS]', t.tokenToId('[CLS]')] }) },
  'word-level': (() => {
    const p = { type: 'Whitespace' };
    const vocab = Object.fromEntries(['<unk>', ...[...words({ pre_tokenizer: p }, docs)].filter(([, n]) => n > 4).map(([w]) => w)].map((w, i) => [w, i]));
    return { model: { type: 'WordLevel', vocab, unk_token: '<unk>' }, normalizer: nseq({ type: 'NFD' }, { type: 'StripAccents' }), pre_tokenizer: p, added_tokens: [token('word', { special: false, single_word: true, normalized: true })] };
  })(),
  'byte-normalizer': { model: bpe({}), normalizer: { type: 'ByteLevel' }, pre_tokenizer: split('\u0120?[^\u0120\u010a]+'), added_tokens: [token('<s>', { normalized: true })] },
};
const digits = '[0-9]';
const behaviors = ['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous'];
for (const b of behaviors) shapes[`cut-split-${b}`] = { model: visible, pre_tokenizer: seq(split('[aeiou]', b), split(digits, b, true)) };
for (const b of behaviors) shapes[`cut-punctuation-${b}`] = { model: visible, normalizer: { type: 'NFKC' }, pre_tokenizer: { type: 'Punctuation', behavior: b } };
shapes['cut-digits'] = { model: visible, pre_tokenizer: { type: 'Digits', individual_digits: false } };
shapes['cut-delimiter'] = { model: visible, pre_tokenizer: { type: 'CharDelimiterSplit', delimiter: 'e' } };
shapes['cut-scripts'] = { model: visible, pre_tokenizer: { type: 'UnicodeScripts' } };
shapes['cut-fixed'] = { model: visible, pre_tokenizer: { type: 'FixedLength', length: 3 } };
shapes['cut-whitespace'] = { model: visible, normalizer: { type: 'Strip', strip_left: false, strip_right: true }, pre_tokenizer: { type: 'Whitespace' } };
shapes['cut-look'] = { model: visible, pre_tokenizer: seq(split(String.raw`(?<=[a-z])(?=[A-Z])|(?<!\w)\d+\b|\s*$|(?>a+)b`), split(String.raw`(?i)the|[^\S\n]{2,}?|(?:ab|c){1,2}x?`, 'MergedWithPrevious')) };

const matched = patterns => patterns.patterns.map(p => [p, make({ normalizer: { type: 'Replace', pattern: { Regex: p }, content: '\u00b7' } }).getNormalizer().normalizeString(patterns.text)]);

let total = 0;
const folder = path.join(__dirname, 'shapes');
fs.rmSync(folder, { recursive: true, force: true });
fs.mkdirSync(folder, { recursive: true });
fs.writeFileSync(path.join(folder, 'texts.json'), JSON.stringify(texts, null, 0).replace(/","/g, '",\n"') + '\n');
const patterns = require('./patterns.js');
fs.writeFileSync(path.join(__dirname, 'patterns.json'), JSON.stringify({ text: patterns.text, replaced: matched(patterns) }, null, 0).replace(/\],\[/g, '],\n[') + '\n');
(async () => {
  for (const [name, { post, ...parts }] of Object.entries(shapes)) {
    let t = make(parts);
    parts.added_tokens = (parts.added_tokens ?? []).map(a => ({ ...a, id: t.tokenToId(a.content) }));
    if (post) { parts.post_processor = post(t); t = make(parts); }
    const json = JSON.stringify({ version: '1.0', truncation: null, padding: null, added_tokens: [], normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null, ...parts });
    const rows = [];
    for (const text of texts) rows.push((await t.encode(text, null, { addSpecialTokens: false })).getIds());
    const special = (await t.encode(texts[21], null, { addSpecialTokens: true })).getIds();
    fs.writeFileSync(path.join(folder, name + '.tokenizer.json'), json + '\n');
    fs.writeFileSync(path.join(folder, name + '.ids.json'), `{"special":${JSON.stringify(special)},"ids":[\n${rows.map(r => JSON.stringify(r)).join(',\n')}\n]}\n`);
    total += json.length;
  }
  console.log(Object.keys(shapes).length, 'shapes', texts.length, 'texts', total, 'bytes of tokenizers');
})();
