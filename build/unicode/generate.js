// Writes src/Epp.Native/Tokens/Unicode/UnicodeData.cs: what the Hugging Face tokenizers library thinks of every code point, asked of
// the library itself, so that neither ICU nor the runtime's version of Unicode has a say.
//   npm install --ignore-scripts --prefix DIR tokenizers@0.23.2
//   NODE_PATH=DIR/node_modules node build/unicode/generate.js
'use strict';
const fs = require('fs');
const path = require('path');
const T = require('tokenizers');

const LAST = 0x10ffff;
const surrogate = c => c >= 0xd800 && c < 0xe000;
const chars = [];
for (let c = 0; c <= LAST; c++) chars.push(surrogate(c) ? '' : String.fromCodePoint(c));
const everything = chars.join('');

function load(parts) {
  return T.Tokenizer.fromString(JSON.stringify({
    version: '1.0', truncation: null, padding: null, added_tokens: [], normalizer: null, pre_tokenizer: null,
    post_processor: null, decoder: null, model: { type: 'WordLevel', vocab: { '?': 0 }, unk_token: '?' }, ...parts }));
}
const normalizer = n => load({ normalizer: n }).getNormalizer();
const preTokenizer = p => load({ pre_tokenizer: p }).getPreTokenizer();

// --- sets: which code points does a pattern remove from the string of all code points?
function without(text) {
  const kept = new Uint8Array(LAST + 1);
  for (const ch of text) kept[ch.codePointAt(0)] = 1;
  const set = new Uint8Array(LAST + 1);
  for (let c = 0; c <= LAST; c++) set[c] = surrogate(c) || kept[c] ? 0 : 1;
  return set;
}
const regexSet = re => without(normalizer({ type: 'Replace', pattern: { Regex: re }, content: '' }).normalizeString(everything));
const eachChar = ask => {
  const set = new Uint8Array(LAST + 1);
  for (let c = 0; c <= LAST; c++) if (!surrogate(c) && ask(chars[c])) set[c] = 1;
  return set;
};

// --- encodings: LEB128 numbers
class Bytes {
  constructor() { this.list = []; }
  n(v) { while (v >= 128) { this.list.push((v & 127) | 128); v = Math.floor(v / 128); } this.list.push(v); }
}
function runs(values) {
  const out = new Bytes();
  for (let at = 0; at <= LAST;) {
    let end = at;
    while (end <= LAST && values[end] === values[at]) end++;
    out.n(end - at);
    out.n(values[at]);
    at = end;
  }
  return out.list;
}
function ranges(set) {
  const out = new Bytes();
  let from = 0;
  for (let at = 0; at <= LAST;) {
    while (at <= LAST && !set[at]) at++;
    if (at > LAST) break;
    const start = at;
    while (at <= LAST && set[at]) at++;
    out.n(start - from);
    out.n(at - start);
    from = at;
  }
  return out.list;
}
// code point -> code points; entries with a key's distance, a count, and the targets
function mapping(entries) {
  const out = new Bytes();
  let from = 0;
  for (const [c, to] of entries) {
    out.n(c - from);
    out.n(to.length);
    for (const t of to) out.n(t);
    from = c;
  }
  return out.list;
}

const sections = {};
const cps = s => [...s].map(x => x.codePointAt(0));

// 1. General categories. "Cc" is split: the controls that are white space get a number of their own, so that \s is a union of categories.
const categoryNames = ['Cn', 'Lu', 'Ll', 'Lt', 'Lm', 'Lo', 'Mn', 'Mc', 'Me', 'Nd', 'Nl', 'No', 'Pc', 'Pd', 'Ps', 'Pe', 'Pi', 'Pf', 'Po',
  'Sm', 'Sc', 'Sk', 'So', 'Zs', 'Zl', 'Zp', 'Cc', 'Cf', 'Co', 'Cs'];
const category = new Uint8Array(LAST + 1);
categoryNames.forEach((name, id) => {
  if (name === 'Cs') { category.fill(id, 0xd800, 0xe000); return; }
  const set = regexSet(`\\p{${name}}`);
  for (let c = 0; c <= LAST; c++) if (set[c]) category[c] = id;
});
const white = regexSet('\\s');
for (let c = 0; c <= LAST; c++) {
  if (white[c] && category[c] === 26) category[c] = 30;
  const z = category[c] >= 23 && category[c] <= 25 || category[c] === 30;
  if (z !== !!white[c]) throw new Error('white space is no union of categories at ' + c);
}
sections.Categories = runs(category);

// 2. Scripts the pattern language knows.
const scriptNames = `Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak Bengali Bhaiksuki Bopomofo Brahmi
Braille Buginese Buhid Canadian_Aboriginal Carian Caucasian_Albanian Chakma Cham Cherokee Chorasmian Common Coptic Cuneiform Cypriot
Cypro_Minoan Cyrillic Deseret Devanagari Dives_Akuru Dogra Duployan Egyptian_Hieroglyphs Elbasan Elymaic Ethiopic Garay Georgian Glagolitic
Gothic Grantha Greek Gujarati Gunjala_Gondi Gurmukhi Gurung_Khema Han Hangul Hanifi_Rohingya Hanunoo Hatran Hebrew Hiragana Imperial_Aramaic
Inherited Inscriptional_Pahlavi Inscriptional_Parthian Javanese Kaithi Kannada Katakana Kawi Kayah_Li Kharoshthi Khitan_Small_Script Khmer
Khojki Khudawadi Kirat_Rai Lao Latin Lepcha Limbu Linear_A Linear_B Lisu Lycian Lydian Mahajani Makasar Malayalam Mandaic Manichaean Marchen
Masaram_Gondi Medefaidrin Meetei_Mayek Mende_Kikakui Meroitic_Cursive Meroitic_Hieroglyphs Miao Modi Mongolian Mro Multani Myanmar Nabataean
Nag_Mundari Nandinagari New_Tai_Lue Newa Nko Nushu Nyiakeng_Puachue_Hmong Ogham Ol_Chiki Ol_Onal Old_Hungarian Old_Italic Old_North_Arabian
Old_Permic Old_Persian Old_Sogdian Old_South_Arabian Old_Turkic Old_Uyghur Oriya Osage Osmanya Pahawh_Hmong Palmyrene Pau_Cin_Hau Phags_Pa
Phoenician Psalter_Pahlavi Rejang Runic Samaritan Saurashtra Sharada Shavian Siddham SignWriting Sinhala Sogdian Sora_Sompeng Soyombo
Sundanese Sunuwar Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le Tai_Tham Tai_Viet Takri Tamil Tangsa Tangut Telugu Thaana Thai Tibetan Tifinagh
Tirhuta Todhri Toto Tulu_Tigalari Ugaritic Vai Vithkuqi Wancho Warang_Citi Yezidi Yi Zanabazar_Square`.split(/\s+/);
const script = new Uint8Array(LAST + 1);
const knownScripts = [];
for (const name of scriptNames) {
  let set;
  try { set = regexSet(`\\p{${name}}`); } catch { continue; }
  knownScripts.push(name);
  for (let c = 0; c <= LAST; c++) if (set[c]) script[c] = knownScripts.length;
}
sections.Scripts = runs(script);

// 3. Named sets.
const bert = o => normalizer({ type: 'BertNormalizer', clean_text: false, handle_chinese_chars: false, strip_accents: false, lowercase: false, ...o });
const word = preTokenizer({ type: 'Whitespace' });
const cleaned = bert({ clean_text: true });
const strip = normalizer({ type: 'StripAccents' });
// A character map with one rule, "a" -> "X", shows clusters: "a" and what joins it are replaced together.
const trie = new Uint32Array(4096);
trie[0] = 256 << 10; trie[256 ^ 0x61] = 0x61 | 256 | (512 << 10); trie[256 ^ 0x61 ^ 512] = 0x80000000;
const charsmap = Buffer.concat([Buffer.from(new Uint32Array([trie.byteLength]).buffer), Buffer.from(trie.buffer), Buffer.from('X\0')]).toString('base64');
const joins = normalizer({ type: 'Precompiled', precompiled_charsmap: charsmap });
const digits = preTokenizer({ type: 'Digits', individual_digits: true });
const punctuation = preTokenizer({ type: 'Punctuation', behavior: 'Isolated' });
const nfd = T.nfdNormalizer();
const unaccent = bert({ strip_accents: true });
const sets = {
  Word: regexSet('\\w'),
  Alphabetic: regexSet('\\p{Alphabetic}'),
  Uppercase: regexSet('\\p{Uppercase}'),
  Lowercase: regexSet('\\p{Lowercase}'),
  PunctuationClass: regexSet('[[:punct:]]'),
  Emoji: regexSet('\\p{Emoji}'),
  ExtendedPictographic: regexSet('\\p{Extended_Pictographic}'),
  RustWord: eachChar(c => { const p = word.preTokenizeString('a' + c); return p.length === 1 && p[0][0] === 'a' + c; }),
  Numeric: eachChar(c => digits.preTokenizeString('a' + c).length === 2),
  Punctuation: eachChar(c => punctuation.preTokenizeString('a' + c).length === 2),
  BertRemoved: eachChar(c => cleaned.normalizeString(c) === ''),
  Nonspacing: eachChar(c => nfd.normalizeString(c) === c && unaccent.normalizeString(c) === ''),
  CombiningMark: eachChar(c => strip.normalizeString(c) === ''),
  GraphemeJoin: eachChar(c => joins.normalizeString('a' + c) === 'X'),
  // What makes a cluster of six bytes out of "a" and a variation selector, so that it is taken apart.
  GraphemePrepend: eachChar(c => c >= '\u0080' && joins.normalizeString(c + 'a\ufe0f').endsWith('\ufe0f')),
};
for (let c = 0; c <= LAST; c++) {
  if (!surrogate(c) && !sets.BertRemoved[c] && (cleaned.normalizeString(chars[c]) === ' ') !== !!white[c]) throw new Error('Bert white space ' + c);
}
for (const [name, set] of Object.entries(sets)) sections[name] = ranges(set);

// 4. Decompositions; Hangul is arithmetic. 5. The pairs that compose. 6. Combining classes, found by sorting against each other.
const nfc = T.nfcNormalizer(), nfkd = T.nfkdNormalizer();
const hangul = c => c >= 0xac00 && c < 0xd7a4;
const canonical = [], compatibility = [], pairs = [];
for (let c = 0; c <= LAST; c++) {
  if (surrogate(c) || hangul(c)) continue;
  const d = nfd.normalizeString(chars[c]), k = nfkd.normalizeString(chars[c]);
  if (d !== chars[c]) canonical.push([c, cps(d)]);
  if (k !== d) compatibility.push([c, cps(k)]);
  if (d !== chars[c] && nfc.normalizeString(d) === chars[c]) {
    const parts = cps(d);
    const head = cps(nfc.normalizeString(String.fromCodePoint(...parts.slice(0, -1))));
    if (head.length !== 1) throw new Error('no pair composes ' + c.toString(16));
    pairs.push([c, [head[0], parts.at(-1)]]);
  }
}
sections.Canonical = mapping(canonical);
sections.Compatibility = mapping(compatibility);
sections.Pairs = mapping(pairs);

const moved = [];
for (let c = 0; c <= LAST; c++) {
  if (surrogate(c) || hangul(c) || nfd.normalizeString(chars[c]) !== chars[c]) continue;
  if (nfd.normalizeString('a\u0345' + chars[c]) !== 'a\u0345' + chars[c] || nfd.normalizeString('a' + chars[c] + '\u0334') !== 'a' + chars[c] + '\u0334') moved.push(c);
}
const swaps = (a, b) => nfd.normalizeString('a' + chars[a] + chars[b]) !== 'a' + chars[a] + chars[b];
if (!moved.includes(0x334)) moved.push(0x334);
// Only the order of classes matters: number them 1, 2, 3 … by it.
const combining = new Uint8Array(LAST + 1);
const groups = [];
for (const c of moved) {
  let lo = 0, hi = groups.length, found = -1;
  while (lo < hi) {
    const mid = (lo + hi) >> 1, r = groups[mid][0];
    if (swaps(r, c)) hi = mid; else if (swaps(c, r)) lo = mid + 1; else { found = mid; break; }
  }
  if (found >= 0) groups[found].push(c); else groups.splice(lo, 0, [c]);
}
groups.forEach((g, i) => g.forEach(c => { combining[c] = i + 1; }));
sections.CombiningClasses = runs(combining);

// 7. Lower case. 8. Case folding: the code points that (?i) holds equal, one of them standing for all.
const lower = normalizer({ type: 'Lowercase' });
sections.LowerMapping = mapping([...function* () {
  for (let c = 0; c <= LAST; c++) if (!surrogate(c)) { const l = lower.normalizeString(chars[c]); if (l !== chars[c]) yield [c, cps(l)]; }
}()]);
const cased = chars.filter((ch, c) => ch && (sets.Uppercase[c] || sets.Lowercase[c] || category[c] === 3 || category[c] === 6 || ch.toLowerCase() !== ch || ch.toUpperCase() !== ch));
const casedText = cased.join('\n');
const fold = [];
const seen = new Set();
for (const ch of cased) {
  if (seen.has(ch)) continue;
  const hex = ch.codePointAt(0).toString(16);
  const left = new Set(normalizer({ type: 'Replace', pattern: { Regex: `(?i:\\x{${hex}})` }, content: '' }).normalizeString(casedText));
  const same = cased.filter(x => !left.has(x));
  for (const x of same) { seen.add(x); if (x !== same[0]) fold.push([x.codePointAt(0), [same[0].codePointAt(0)]]); }
}
sections.CaseFold = mapping(fold.sort((a, b) => a[0] - b[0]));

// 9. The classes of the UnicodeScripts pre-tokenizer: 0 belongs to whatever stands beside it.
const uniscripts = preTokenizer({ type: 'UnicodeScripts' });
const pieces = s => uniscripts.preTokenizeString(s).length;
const uni = new Uint8Array(LAST + 1);
const reps = [];
let last = -1, lastChar = '';
for (let c = 0; c <= LAST; c++) {
  if (surrogate(c) || pieces(chars[c]) === 0) continue;
  if (last >= 0 && pieces(lastChar + chars[c]) === 1) { uni[c] = last; } else {
    let id = reps.findIndex(r => pieces(r + chars[c]) === 1);
    if (id < 0) { reps.push(chars[c]); id = reps.length - 1; }
    uni[c] = id + 1;
  }
  last = uni[c]; lastChar = chars[c];
}
sections.PreTokenizerScripts = runs(uni);

// --- C#
const out = path.join(__dirname, '..', '..', 'src', 'Epp.Native', 'Tokens', 'Unicode', 'UnicodeData.cs');
const wrap = (text, width, open, close) => text.match(new RegExp(`.{1,${width}}`, 'g')).map(l => `        ${open}${l}${close}`).join(' +\n');
const numbers = list => (list.join(',') + ',').match(/.{1,1199},/g).map(l => '        ' + l).join('\n');
const members = Object.entries(sections).map(([name, list]) => `    public static ReadOnlySpan<byte> ${name} =>\n    [\n${numbers(list)}\n    ];\n`);
members.push(`    public const string ScriptNames =\n${wrap(knownScripts.join(' '), 400, '"', '"')};\n`);
fs.mkdirSync(path.dirname(out), { recursive: true });
fs.writeFileSync(out, `// Generated by build/unicode/generate.js from tokenizers ${require('tokenizers/package.json').version}; do not edit.
namespace Epp.Native.Tokens.Unicode;

/// <summary>Facts about code points: LEB128 numbers; build/unicode/generate.js says what each member holds.</summary>
internal static class UnicodeData
{
${members.join('\n')}}
`);
for (const [name, list] of Object.entries(sections)) console.log(name, list.length, 'bytes');
