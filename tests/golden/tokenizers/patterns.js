// The pattern language as tokenizers use it, and what the Hugging Face library (Oniguruma) makes of each pattern on one text: every match
// replaced by a middle dot. Written by train.js.
'use strict';

const text = "The HTTPServer's fox doesn't \u017fay 'RE, I'LL 12345 x2 3.14\u00bd\u00b2\u2167 \u0661\u0662\n\n  if (a[i] == 0) { return <b>; }\r\n\t\u4f60\u597d\uff0c\u4e16\u754c \u3053\u3093\u30c6\u30b9 \uc548\ub155 \u041f\u0440\u0438 \u0395\u03bb\u03c3\u03c2 \u05e9\u05dc \u0645\u0631 \u0e2a\u0e27\u0e31 na\u00efve e\u0301 \u00c9 \u212a \ud83d\ude00\u2764\ufe0f \u00a9 $5 +1 aab abab abcd aaa bcbcd b c_d a-b.c@d.e https://x.y/z <|end|>\0\u200b\u2028\u00a0 the THE  tail   ";

const patterns = [
 // real world variety
 String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
 String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,2}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
 String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}+| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
 String.raw`\d+|\D+`, String.raw`\d{1,3}(?=(?:\d{3})*\b)`, String.raw`(?<=\d)(?=(?:\d{3})+(?!\d))`, String.raw`[0-9]{3}`, String.raw`\p{Nd}{1,3}`, String.raw`(?<=[^\d])\d|\d(?=\D)`,
 String.raw`[^\s]+|\s+`, String.raw`\S+|\s`, String.raw`\s?\S+`, String.raw`\n`, String.raw`\r?\n`, String.raw`\R`, String.raw`[\r\n]`, String.raw`\s{2,}`, String.raw`\s{2,}?x?`, String.raw` +`, String.raw`(?:\r?\n)+(?!\r?\n)`,
 String.raw`[\p{P}\p{S}]`, String.raw`[\p{P}\p{S}]+`, String.raw`[[:punct:]]+`, String.raw`[[:alpha:]]+`, String.raw`[[:^alpha:]]+`, String.raw`[[:space:]]+`, String.raw`[[:upper:]][[:lower:]]*`, String.raw`[[:digit:]]`, String.raw`[[:alnum:]_]+`,
 String.raw`\w+`, String.raw`\W+`, String.raw`\b`, String.raw`\B.`, String.raw`\b\w{1,3}`, String.raw`\h+`, String.raw`\H`, 
 String.raw`\p{Han}+`, String.raw`\P{Han}`, String.raw`\p{^Han}+`, String.raw`[\p{Hiragana}\p{Katakana}]+`, String.raw`\p{Hangul}`, String.raw`\p{Cyrillic}+|\p{Greek}+`, String.raw`\p{Arabic}+|\p{Hebrew}+|\p{Thai}`, String.raw`\p{Latin}+`, String.raw`\p{Common}`, String.raw`\p{Inherited}`,
 String.raw`[\p{L}&&[^\p{Han}]]+`, String.raw`[\p{L}&&\p{Latin}]+`, String.raw`[^\p{L}&&[^a-f]]`, String.raw`[a-z&&[^aeiou]]+`, String.raw`[^a-z&&[^aeiou]]`, String.raw`[a-w&&[^c-g]z]`,
 String.raw`(?i)the|a`, String.raw`(?i:[a-f]+)`, String.raw`(?i)[^a-f]+`, String.raw`(?i:k)`, String.raw`(?i:\u00e9)`, String.raw`a(?i)b|c`, String.raw`(?i:s)`, String.raw`(?-i:A)`, String.raw`(?i:σ)`, String.raw`(?i:й)`, String.raw`(?i:\p{Lu}+)`, String.raw`(?i:\p{Ll})`, String.raw`(?i:[[:upper:]]+)`,
 String.raw`^.`, String.raw`.$`, String.raw`^`, String.raw`$`, String.raw`\A.`, String.raw`.\z`, String.raw`.\Z`, String.raw`^\s+`, String.raw`\s+$`, String.raw`(?m:.+)`, String.raw`.+`, String.raw`.*`, String.raw`a*`, String.raw`x*y?`, String.raw`\s*`,
 String.raw`a++b?`, String.raw`a*+`, String.raw`a?+b`, String.raw`(?>ab|a)b`, String.raw`(?>\s+)\S`, String.raw`(?:ab)+`, String.raw`(?:ab)+?`, String.raw`(?:a|ab)(?:c|bcd)?`, String.raw`(?:a|b|c)+d`, String.raw`(a)(b)?`, String.raw`(?<n>a)b`,
 String.raw`(?=a)`, String.raw`(?!a)[a-c]`, String.raw`(?<=a)b`, String.raw`(?<!a)b`, String.raw`(?<=a|bc)d`, String.raw`(?<=\s)\S`, String.raw`(?<!\S)\S+`, String.raw`(?<=[a-z])(?=[A-Z])`, String.raw`(?<=[A-Z])(?=[A-Z][a-z])`, String.raw`(?<![a-z])[a-z]`,
 String.raw`a{2}`, String.raw`a{2,}`, String.raw`a{,2}`, String.raw`a{2,3}+`, String.raw`a{2}?`, String.raw`a{1,2}?`, String.raw`(?:ab?){2,3}`, String.raw`a{x}`, String.raw`a{`, String.raw`[ab]{0,1}c`,
 String.raw`[]a]`, String.raw`[^]a]`, String.raw`[a\]b]`, String.raw`[a-]`, String.raw`[-a]`, String.raw`[\-a]`, String.raw`[\w.]+`, String.raw`[\d\s]+`, String.raw`[^\W\d]+`, String.raw`[\x41-\x43]`, String.raw`\x{1F600}`, String.raw`\u4f60`, String.raw`[\u4e00-\u9fff]+`, String.raw`[一-龥]+`, String.raw`\t|\n`, String.raw`[\t\n\r\f\v]`, String.raw`\.`, String.raw`\\`, String.raw`[.*+?]`, String.raw`\-\/\'\"\!`, String.raw`[\[\]]`, String.raw`\p{L}\p{M}*`, String.raw`\p{Mn}+`, String.raw`\p{Lu}\p{Ll}+`, String.raw`\p{letter}+`, String.raw`\p{Alpha}+`, String.raw`\p{Sc}\d+`, String.raw`\p{So}`, String.raw`\p{Emoji}`, String.raw`\p{Extended_Pictographic}`, String.raw`\p{Zs}`, String.raw`\p{Cc}`, String.raw`\p{Cf}`, String.raw`\p{Co}|\p{Cn}`, String.raw`\p{Any}`, String.raw`\p{Word}+`, String.raw`\p{Space}+`, String.raw`\p{Upper}+`, String.raw`\p{Punct}+`, String.raw`\p{uppercase_letter}`, String.raw`\p{ascii}+`,
 String.raw`(?#note)a`, String.raw`(?x: a b # c
 )`, String.raw`(?x)a | b`, String.raw`|a`, String.raw`a|`, String.raw`()`, String.raw`(?:)`, String.raw`a||b`,
 String.raw`'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+`,
 String.raw`[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{N}]+|\s+`, String.raw`<\|[a-z_]+\|>|[^<]+|<`, String.raw`https?://\S+|\w+@\w+|\S`, String.raw`(?:^|\s)\S{1,4}`, String.raw`[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+|[^\sA-Za-z\d]+`, String.raw`\s*\p{L}+|\s*\p{N}|\s*[^\s\p{L}\p{N}]+|\s+`,
];

module.exports = { text, patterns };
