// Prints random tokenizers and what the Hugging Face library makes of them: node shape-oracle.js SEED FROM TO [TEXTS]
// (the library may abort the process: then go on after the line that is missing)
//   {"tokenizer": JSON as text, "refused"} or {"tokenizer", "rows": [{"text", "ids", "special"}]}
// The models are those of shapes/ with other options; normalizer, pre-tokenizer, post-processor and added tokens are made up.
'use strict';
const fs = require('fs');
const path = require('path');
const { Tokenizer } = require('tokenizers');
const { own, fuzz, random } = require('./texts.js');

const [seed, from, to, perTokenizer] = process.argv.slice(2).map(Number);
const folder = path.join(__dirname, 'shapes');
const read = name => JSON.parse(fs.readFileSync(path.join(folder, name + '.tokenizer.json'), 'utf8'));
const models = ['albert', 'bert-cased', 'bert-uncased', 'bloom', 'bpe-subword-prefix', 'bpe-unknown', 'clip', 'cut-digits', 'gemma', 't5', 'unigram-bytes', 'word-level', 'llama3'].map(n => read(n).model);
const charsmap = read('t5').normalizer.precompiled_charsmap;

let next = random(1);
const pick = list => list[next(list.length)];
const flip = () => next(2) === 0;
const chance = n => next(n) === 0;
const flags = o => Object.fromEntries(Object.entries(o).filter(([, v]) => v !== undefined));

const regexes = [
  '\\s+', ' +', '\\d', '[0-9]', '\\p{N}{1,3}', '[^\\s]+', '\\w+', '\\w+|[^\\w\\s]+', "'s|'t|'re", '(?i:the)', '\\p{L}+', '\\p{Lu}', '.', '.+', '(?s:.+)', '^a', 'a$', '\\b', '\\bA', '[aeiou]', 'a|ab|abc', 'ab?',
  '(?<=a)b', '(?<!a)b', 'e(?=r)', 'e(?!r)', '\\n', '\\r?\\n', '\\n+', '[\\r\\n]+', '[\u4e00-\u9fff]', '\\p{Han}+', '\\p{Hiragana}|\\p{Katakana}', '[[:alpha:]]+', '[[:punct:]]', '\\p{P}', '[\\p{P}\\p{S}]', '\\p{M}',
  '(?:\\r?\\n)+', '\\s+(?!\\S)|\\s+', ' ?\\p{L}+', ' ?[^\\s\\p{L}\\p{N}]+', '<[^>]*>', '\\S', '\\S+?', 'x*', 'a{2,}', '[^\\x00-\\x7f]', '\\A.', '.\\z', '.\\Z', '(?m)^.', '(?m:^)', '\\h', '\\R', '[a-z&&[^aeiou]]', '[\\w&&[^_0-9]]+',
  '(a|e)+', '(?>a+)b', 'a++', '(.)', '[.,;]', '\\.', '-', '_', '/', '\\\\', '[\\[\\]]', '\\p{Cyrillic}', '\\p{Arabic}+', '\\p{Emoji}', '[\u{1f300}-\u{1faff}]', '\u2581', '\u2581+', '\\x{2581}', '\\u2581', '[^\\r\\n\\p{L}\\p{N}]?\\p{L}+', '\\d{3}(?=\\D|$)', '\\d(?=(?:\\d{3})+(?!\\d))',
  '(?=(\\d{3})+(?!\\d))', '\\B(?=(\\d{3})+(?!\\d))', '(?i)[a-c]', '(?x) a b ', '\\t', '\\0', '\\e', '\\p{Lower}+', '\\p{^L}', '\\P{L}', '\\p{Alnum}+', '\\p{Any}', '\\p{ASCII}+', '\\p{Cntrl}', '\\p{Z}', '\\p{Zs}', '\\p{Sc}', '\\p{So}', '(?<n>a)', '[^a]', '[^\\n]+', '[ \\t]+', '[\\s\\S]',
];
const strings = [' ', '\u2581', 'a', 'e', 'the', '  ', '\n', "'", '.', '\u0120', '<s>', '\u00e9', '\u4f60', '\ud83d\ude00', 'ab', '0', '``', "''", '#', '\t', 'A', '\u0301'];
const pattern = () => next(5) < 3 ? { Regex: pick(regexes) } : { String: pick(strings) };
const contents = ['<s>', '</s>', '<|end|>', '<mask>', 'word', 'the', 'a', ' ', '  ', '\u2581', '\n', '\n\n', '\u00e9', 'e\u0301', 'ABC', 'abc', 'Abc', '12', '1', "'s", ' <s>', '<s> ', '<s>a', '<', '\u4f60', '\ud83d\ude00', '\u0130', '\u00df', 'SS', '\ufb01', 'fi', 'wordx', 'sword', '.', '\t', 'er', '[UNK]', '<unk>', '[CLS]', '', '\u0120a', '\u00c5', '\u212b', 'don\'t', 'h\u00e9', '\u0001'];

function normalizer(depth = 0) {
  switch (next(depth < 2 ? 17 : 15)) {
    case 0: return { type: 'NFC' };
    case 1: return { type: 'NFD' };
    case 2: return { type: 'NFKC' };
    case 3: return { type: 'NFKD' };
    case 4: return { type: 'Lowercase' };
    case 5: return { type: 'Strip', strip_left: flip(), strip_right: flip() };
    case 6: return { type: 'StripAccents' };
    case 7: return { type: 'Nmt' };
    case 8: return { type: 'BertNormalizer', clean_text: flip(), handle_chinese_chars: flip(), strip_accents: pick([null, true, false]), lowercase: flip() };
    case 9: return chance(2) ? { type: 'ByteLevel' } : { type: 'NFC' };
    case 10: return { type: 'Precompiled', precompiled_charsmap: charsmap };
    case 11: return { type: 'Prepend', prepend: pick(['\u2581', ' ', 'ab', '\u00e9', '', '\n']) };
    case 12: case 13: case 14: return { type: 'Replace', pattern: pattern(), content: pick(['\u2581', ' ', '', 'a', 'ab', '\u00e9', '\\1', '$1', '\n']) };
    default: return { type: 'Sequence', normalizers: Array.from({ length: next(4) }, () => normalizer(depth + 1)) };
  }
}
function preTokenizer(depth = 0) {
  const behavior = () => pick(['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous']);
  switch (next(depth < 2 ? 18 : 14)) {
    case 0: return { type: 'Whitespace' };
    case 1: return { type: 'WhitespaceSplit' };
    case 2: return { type: 'BertPreTokenizer' };
    case 3: return { type: 'Digits', individual_digits: flip() };
    case 4: return { type: 'Punctuation', behavior: behavior() };
    case 5: return chance(2) ? { type: 'UnicodeScripts' } : { type: 'FixedLength', length: 1 + next(7) };
    case 6: return { type: 'CharDelimiterSplit', delimiter: pick([' ', 'a', '\u2581', '.', '\n', '\u00e9', '\ud83d\ude00']) };
    case 7: return flags({ type: 'Metaspace', replacement: pick(['\u2581', '\u2581', '\u2581', '_', '\u0120', 'a']), prepend_scheme: pick(['always', 'first', 'never', undefined]), add_prefix_space: pick([undefined, undefined, true, false]), split: pick([undefined, true, false]) });
    case 8: case 9: return flags({ type: 'ByteLevel', add_prefix_space: flip(), trim_offsets: flip(), use_regex: pick([true, false, false, undefined]) });
    case 10: case 11: case 12: case 13: return { type: 'Split', pattern: pattern(), behavior: behavior(), invert: chance(4) };
    default: return { type: 'Sequence', pretokenizers: Array.from({ length: next(4) }, () => preTokenizer(depth + 1)) };
  }
}
let templates = 0;
function postProcessor(depth = 0) {
  const kind = next(depth < 2 ? 6 : 5);
  // What a template made is too much for a second one.
  switch (kind === 3 || kind === 4 ? (templates++ ? 0 : 3) : kind) {
    case 0: return { type: 'ByteLevel', add_prefix_space: flip(), trim_offsets: flip(), use_regex: flip() };
    case 1: return { type: 'BertProcessing', sep: ['[SEP]', next(100)], cls: ['[CLS]', next(100)] };
    case 2: return { type: 'RobertaProcessing', sep: ['</s>', next(100)], cls: ['<s>', next(100)], trim_offsets: flip(), add_prefix_space: flip() };
    case 3: {
      const special = () => ({ SpecialToken: { id: pick(['<s>', '</s>']), type_id: 0 } });
      const single = [...Array.from({ length: next(3) }, special), { Sequence: { id: 'A', type_id: 0 } }, ...Array.from({ length: next(3) }, special)];
      return { type: 'TemplateProcessing', single, pair: [...single, { Sequence: { id: 'B', type_id: 1 } }], special_tokens: { '<s>': { id: '<s>', ids: [next(9)], tokens: ['<s>'] }, '</s>': { id: '</s>', ids: [1, 2].slice(next(2)), tokens: ['</s>', 'x'].slice(0, 1) } } };
    }
    default: return { type: 'Sequence', processors: Array.from({ length: next(3) }, () => postProcessor(depth + 1)) };
  }
}
function model() {
  const given = pick(models);
  const o = {};
  if (given.type === 'BPE') {
    Object.assign(o, { byte_fallback: pick([given.byte_fallback, given.byte_fallback, flip()]), fuse_unk: flip(), ignore_merges: chance(3), unk_token: pick([given.unk_token, given.unk_token, null, '<unk>', '<s>', 'no such']) });
    if (chance(6)) o.continuing_subword_prefix = pick(['', null, '##', '@']);
    if (chance(6)) o.end_of_word_suffix = pick(['', null, '</w>', 'e']);
  } else if (given.type === 'Unigram') {
    if (chance(3)) o.byte_fallback = flip();
    if (chance(8)) o.unk_id = pick([null, 0, 5]);
  } else if (given.type === 'WordPiece') {
    if (chance(3)) o.max_input_chars_per_word = pick([1, 3, 6, 100]);
    if (chance(6)) o.continuing_subword_prefix = pick(['', '##', '@']);
  }
  const made = { ...given, ...o };
  if (chance(10) && Object.keys(o).every(k => o[k] === given[k])) delete made.type;
  return made;
}
function tokenizer() {
  const added = Array.from({ length: chance(4) ? 0 : next(7) }, (_, i) => ({ id: chance(2) ? 1000 + i : next(2000), content: pick(contents), single_word: chance(5), lstrip: chance(4), rstrip: chance(4), normalized: chance(3), special: flip() }));
  return { version: '1.0', truncation: null, padding: null, added_tokens: added, normalizer: chance(3) ? null : normalizer(), pre_tokenizer: chance(5) ? null : preTokenizer(), post_processor: chance(3) ? null : postProcessor(), decoder: null, model: model() };
}

// Old files leave out what later versions of the library write, and write null.
function drop(made) {
  const places = [];
  const walk = o => { if (o && typeof o === 'object') { if (!Array.isArray(o)) for (const k of Object.keys(o)) if (!['type', 'vocab', 'merges', 'model'].includes(k)) places.push([o, k]); Object.entries(o).forEach(([k, v]) => k !== 'vocab' && k !== 'merges' && walk(v)); } };
  walk(made);
  for (let n = 1 + next(2); n > 0; n--) {
    const [o, k] = pick(places);
    if (chance(3)) o[k] = null; else delete o[k];
  }
}

// Where two added tokens become one by normalization, the library takes either, as its hash table has them.
function withoutTwins(made) {
  let normalize = s => s;
  try { const n = made.normalizer && Tokenizer.fromString(JSON.stringify({ ...made, added_tokens: [] })).getNormalizer(); if (n) normalize = s => n.normalizeString(s); } catch {}
  const seen = new Set();
  if (!made.added_tokens) return;
  made.added_tokens = made.added_tokens.filter(t => {
    if (!t.normalized || !t.content) return true;
    const key = normalize(t.content);
    return key !== '' && !seen.has(key) && seen.add(key);
  });
}

(async () => {
  for (let i = from; i < to; i++) {
    next = random(seed * 1000003 + i);
    templates = 0;
    const made = tokenizer();
    if (chance(5)) drop(made);
    withoutTwins(made);
    const json = JSON.stringify(made);
    let t;
    let line;
    try {
      t = Tokenizer.fromString(json);
    } catch (e) {
      line = { tokenizer: json, refused: String(e) };
    }
    if (t) {
      const rows = [];
      const texts = [...Array.from({ length: 12 }, () => pick(own)), ...fuzz(seed * 1000003 + i, perTokenizer || 20, (made.added_tokens ?? []).map(a => a.content).filter(c => c))];
      for (const text of texts) {
        const ids = async special => { try { return (await t.encode(text, null, { addSpecialTokens: special })).getIds(); } catch (e) { return null; } };
        rows.push({ text, ids: await ids(false), special: await ids(true) });
      }
      line = { tokenizer: json, rows };
    }
    if (!process.stdout.write(JSON.stringify(line) + '\n')) await new Promise(done => process.stdout.once('drain', done));
  }
})();
