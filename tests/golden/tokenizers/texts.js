// Texts of our own that every committed tokenizer encodes, and the generator of the random ones.
'use strict';

const own = [
  '', ' ', '  ', '   ', '\n', '\n\n', '\r\n', '\r\n\r\n', '\t', '\t\t ', ' \n', '\n ', '  \n  b', 'a', ' a', '  a', 'a ', 'a  ', 'a \n\n b', '\u3000wide\u3000', '\u00a0nbsp\u00a0',
  'Hello, world!', 'The endpoint picker routes a request to the worker that holds its prefix.', "I'm sure they've said it's what we'd do; you'll see, don't you?",
  "I'M SURE THEY'VE SAID IT'S WHAT WE'D DO; YOU'LL SEE", "'\u017f 'S 's 're'RE 'll'LL 'x '", 'camelCase HTTPServer XMLHttpRequest iPhone McDonald ABCdef',
  '1', '12', '123', '1234', '12345678901', '3.14159', '1,234,567.89', '2026-11-20T10:20:30Z', '\u0661\u0662\u0663\u0664', '\uff11\uff12\uff13', '\u2167\u00bd\u00b2', '\ud835\udfd8\ud835\udfd9\ud835\udfda',
  'return a[i] + b[j] * (c - d) / e;', 'if (x == 0) {\n    return;\n}\n', 'for (var i = 0; i < n; i++)\r\n{\r\n\tsum += i;\r\n}', 'https://example.org/a/b?c=d&e=f#g', 'a_b-c.d/e\\f', '<div class="x">&amp;</div>', '{"k":[1,2,{"a":null}]}', '// comment\n/* block */ #pragma',
  '\u4f60\u597d\uff0c\u4e16\u754c\uff01', '\u8def\u7531\u5668\u628a\u8bf7\u6c42\u9001\u5230\u6301\u6709\u524d\u7f00\u7684\u5de5\u4f5c\u8282\u70b9\u3002', '\u3053\u3093\u306b\u3061\u306f\u4e16\u754c\u30c6\u30b9\u30c8\u30fc', '\uc548\ub155\ud558\uc138\uc694 \uc138\uacc4', '\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440', '\u0395\u03bb\u03bb\u03b7\u03bd\u03b9\u03ba\u03ac \u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2', '\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd', '\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645', '\u0928\u092e\u0938\u094d\u0924\u0947 \u0926\u0941\u0928\u093f\u092f\u093e', '\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35\u0e0a\u0e32\u0e27\u0e42\u0e25\u0e01', 'abc\u6f22\u5b57def\u30abna\u3072ra',
  'e\u0301', '\u00e9', 'A\u030a\u0327', '\u212b\u2126\u212a', '\u1100\u1161\u11a8', '\uac00\u11a8', 'q\u0323\u0307', 'q\u0307\u0323', '\ufb01\ufb03\u00df\u1e9e', '\u0130I\u0131i', '\uff21\uff42\uff43', 'x\u0345\u0301\u0334', '\u0958\u0f73\u2adc', 'na\u00efve caf\u00e9 \u00dcber Stra\u00dfe \u0141\u00f3d\u017a',
  '\ud83d\ude00', 'a\ud83d\ude00b', '\ud83d\udc68\u200d\ud83d\udc69\u200d\ud83d\udc67', '\ud83c\udde9\ud83c\uddea', '\u2764\ufe0f', '\ud835\udcb3\ud835\udcb4', '\ud804\udd36',
  '\0', 'a\0b', '\u0001\u001f\u007f\u0085', '\ufeffbom', '\ufffd\ufffe', 'zero\u200bwidth\u200djoin\u2060er', '\u2028line\u2029par', '\u00ad', '\u180e',
  '\u2581', '\u2581a\u2581\u2581b', 'a\u2581b c', '<0x41>', '<unk>', '<s>', '</s>', '<s>a</s>', ' <s> a </s> ', '<s><s>', 'x<s>', '<|end|>', 'a <|end|>\n\n b', '<mask>', 'the <mask> is', '  <mask>  ', 'word', 'swordfish', 'a word.', 'WORD word', '[CLS] a [SEP]', '[MASK]',
  'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', ' '.repeat(40) + 'x', 'ab'.repeat(100), '-'.repeat(70), '!?'.repeat(30), 'routerouterouter'.repeat(12), '\n'.repeat(20),
  '\u201cquoted\u201d \u2018single\u2019 \u2014 dash\u2026', '\u20ac100 \u00a35 $3 +1 =2 <3 ^4 `5 |6 ~7', '\u00a9\u200dx \u00ae\u0301', 'a\u0301\u0302\u0303\u0304\u0305\u0306\u0307', '\r', 'a\rb', 'tab\tsep', '...', '. . .', 'e.g., i.e.; etc.', "can't won't shan't", 'one  two   three    four',
];

// mulberry32
function random(seed) {
  let s = seed >>> 0;
  return n => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), 1 | s);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

const atoms = [...new Set(own.join('').match(/./gsu))].concat(
  [' ', ' ', ' ', ' ', '\n', "'", 'e', 't', 'a', 'the', ' the', 'er', 'ing', '<s>', '</s>', '<|end|>', '<mask>', 'word', '\u2581', '  ', '\r\n', "'s", "'LL", '12', 'ABC', '\u0301', '\u0323']);
const ranges = [[0x20, 0x7f], [0xa0, 0x250], [0x300, 0x370], [0x370, 0x590], [0x5d0, 0x780], [0x900, 0xe80], [0x1100, 0x1200], [0x1e00, 0x2300], [0x2500, 0x2800], [0x3000, 0x3400], [0x4e00, 0x5000], [0xac00, 0xad00], [0xf900, 0xfb10], [0xfe20, 0xfff0], [0x1d400, 0x1d800], [0x1f300, 0x1fa00], [0x10000, 0x11000], [0, 0x20]];

// extra: what a tokenizer has of its own, which comes in every second text or so.
function* fuzz(seed, count, extra = []) {
  const next = random(seed);
  for (let i = 0; i < count; i++) {
    let text = '';
    for (let n = 1 + next(next(8) === 0 ? 120 : 24); n > 0; n--) {
      const kind = next(10);
      if (extra.length > 0 && next(8) === 0) {
        text += extra[next(extra.length)];
      } else if (kind < 7) {
        text += atoms[next(atoms.length)];
      } else if (kind < 9) {
        const [from, to] = ranges[next(ranges.length)];
        text += String.fromCodePoint(from + next(to - from));
      } else {
        const c = next(0x110000);
        text += c >= 0xd800 && c < 0xe000 ? '?' : String.fromCodePoint(c);
      }
    }
    yield text;
  }
}

module.exports = { own, fuzz, random };
