// The module `turndown` that charms import: HTML to Markdown.
//
// Owns the conversion, with the options, rules and defaults of the package of
// that name, and a small forgiving HTML reader in place of a browser's. Loaded
// only by charms that import it. Never renders, fetches or runs what is in the
// HTML.

// --- The tree -------------------------------------------------------------

const words = (text) => new Set(text.split(" "));

const BLOCKS = words(
  "ADDRESS ARTICLE ASIDE AUDIO BLOCKQUOTE BODY CANVAS CENTER DD DIR DIV DL DT FIELDSET FIGCAPTION FIGURE FOOTER FORM FRAMESET H1 H2 H3 H4 H5 H6 HEADER HGROUP HR HTML ISINDEX LI MAIN MENU NAV NOFRAMES NOSCRIPT OL OUTPUT P PRE SECTION TABLE TBODY TD TFOOT TH THEAD TR UL",
);
const VOIDS = words(
  "AREA BASE BR COL COMMAND EMBED HR IMG INPUT KEYGEN LINK META PARAM SOURCE TRACK WBR",
);
const MEANT_WHEN_BLANK = words("A TABLE THEAD TBODY TFOOT TH TD IFRAME SCRIPT AUDIO VIDEO");

const ELEMENT = 1;
const TEXT = 3;

const escapeText = (text) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

class Text {
  constructor(data) {
    this.data = data;
    this.parentNode = null;
  }

  get nodeType() {
    return TEXT;
  }

  get nodeName() {
    return "#text";
  }

  get nodeValue() {
    return this.data;
  }

  get textContent() {
    return this.data;
  }

  get isCode() {
    return this.parentNode.isCode;
  }

  get outerHTML() {
    return RAW.has(this.parentNode?.nodeName) ? this.data : escapeText(this.data);
  }

  get nextSibling() {
    return this.parentNode.beside(this, 1);
  }

  get previousSibling() {
    return this.parentNode.beside(this, -1);
  }
}

class Element {
  #text = null;

  constructor(nodeName, attributes) {
    this.nodeName = nodeName;
    this.attributeMap = attributes;
    this.parentNode = null;
    this.childNodes = [];
    this.isBlock = BLOCKS.has(nodeName);
    this.place = 0;
  }

  get nodeType() {
    return ELEMENT;
  }

  get tagName() {
    return this.nodeName;
  }

  get localName() {
    return this.nodeName.toLowerCase();
  }

  get isCode() {
    return this.nodeName === "CODE" || (this.parentNode?.isCode ?? false);
  }

  get isBlank() {
    return isBlank(this);
  }

  append(node) {
    node.parentNode = this;
    this.childNodes.push(node);
  }

  beside(node, step) {
    const list = this.childNodes;
    // Siblings are asked for in order: the place is nearly always known.
    if (list[this.place] !== node) this.place = list.indexOf(node);
    return list[this.place + step] ?? null;
  }

  get firstChild() {
    return this.childNodes[0] ?? null;
  }

  get lastChild() {
    return this.childNodes.at(-1) ?? null;
  }

  get children() {
    return this.childNodes.filter((node) => node.nodeType === ELEMENT);
  }

  get firstElementChild() {
    return this.childNodes.find((node) => node.nodeType === ELEMENT) ?? null;
  }

  get lastElementChild() {
    return this.childNodes.findLast((node) => node.nodeType === ELEMENT) ?? null;
  }

  get parentElement() {
    return this.parentNode;
  }

  get nextSibling() {
    return this.parentNode?.beside(this, 1) ?? null;
  }

  get previousSibling() {
    return this.parentNode?.beside(this, -1) ?? null;
  }

  get nextElementSibling() {
    const list = this.parentNode?.children ?? [];
    return list[list.indexOf(this) + 1] ?? null;
  }

  get previousElementSibling() {
    const list = this.parentNode?.children ?? [];
    return list[list.indexOf(this) - 1] ?? null;
  }

  hasChildNodes() {
    return this.childNodes.length > 0;
  }

  get attributes() {
    return [...this.attributeMap].map(([name, value]) => ({ name, value }));
  }

  getAttribute(name) {
    return this.attributeMap.get(`${name}`.toLowerCase()) ?? null;
  }

  hasAttribute(name) {
    return this.attributeMap.has(`${name}`.toLowerCase());
  }

  get id() {
    return this.getAttribute("id") ?? "";
  }

  get className() {
    return this.getAttribute("class") ?? "";
  }

  get classList() {
    const names = this.className.split(/\s+/).filter(Boolean);
    return Object.assign(names, { contains: (name) => names.includes(name) });
  }

  get href() {
    return this.getAttribute("href") ?? "";
  }

  get src() {
    return this.getAttribute("src") ?? "";
  }

  get alt() {
    return this.getAttribute("alt") ?? "";
  }

  get title() {
    return this.getAttribute("title") ?? "";
  }

  /** Fixed once the white space is collapsed. */
  get textContent() {
    this.#text ??= this.childNodes.map((node) => node.textContent).join("");
    return this.#text;
  }

  get innerText() {
    return this.textContent;
  }

  get innerHTML() {
    return this.childNodes.map((node) => node.outerHTML).join("");
  }

  get outerHTML() {
    let open = this.localName;
    for (const [name, value] of this.attributeMap)
      open += ` ${name}="${value.replaceAll("&", "&amp;").replaceAll('"', "&quot;")}"`;
    if (VOIDS.has(this.nodeName)) return `<${open}>`;
    return `<${open}>${this.innerHTML}</${this.localName}>`;
  }

  #find(wanted, found, first) {
    for (const node of this.childNodes) {
      if (node.nodeType !== ELEMENT) continue;
      if (wanted(node)) found.push(node);
      if (first && found.length > 0) return found;
      node.#find(wanted, found, first);
    }
    return found;
  }

  getElementsByTagName(name) {
    const upper = `${name}`.toUpperCase();
    return this.#find((node) => upper === "*" || node.nodeName === upper, [], false);
  }

  querySelectorAll(selector) {
    return this.#find(matcherOf(selector), [], false);
  }

  querySelector(selector) {
    return this.#find(matcherOf(selector), [], true)[0] ?? null;
  }

  matches(selector) {
    return matcherOf(selector)(this);
  }
}

/** Names, classes, ids and lists of them; what rules ask for. */
function matcherOf(selector) {
  const parts = `${selector}`.split(",").map((part) => part.trim());
  const simple = parts.map((part) => /^([a-z][\w-]*|\*)?([.#])?([\w-]+)?$/i.exec(part));
  if (simple.some((found) => found === null || found[0] === ""))
    throw new TypeError(`This selector is not understood here: ${selector}`);
  return (node) =>
    simple.some(
      ([, name, mark, value]) =>
        (name === undefined || name === "*" || node.nodeName === name.toUpperCase()) &&
        (mark === undefined ||
          (mark === "#" ? node.id === value : node.classList.includes(value))),
    );
}

function some(node, test) {
  return node.childNodes.some(
    (child) => child.nodeType === ELEMENT && (test(child) || some(child, test)),
  );
}

const counts = (node) => VOIDS.has(node.nodeName) || MEANT_WHEN_BLANK.has(node.nodeName);

function isBlank(node) {
  return !counts(node) && !/\S/.test(node.textContent) && !some(node, counts);
}

// --- Reading HTML ---------------------------------------------------------

const RAW = words("SCRIPT STYLE XMP IFRAME NOEMBED NOFRAMES");
const TEXT_ONLY = words("TEXTAREA TITLE");
const SKIPPED = words("HTML HEAD BODY FRAMESET FRAME");
// Elements in which an end tag or a start tag does not reach further out.
const WALLS = words("TABLE TD TH CAPTION BUTTON OBJECT MARQUEE TEMPLATE X-ROOT");
const CLOSES_P = words(
  "ADDRESS ARTICLE ASIDE BLOCKQUOTE CENTER DETAILS DIALOG DIR DIV DL FIELDSET FIGCAPTION FIGURE FOOTER FORM H1 H2 H3 H4 H5 H6 HEADER HGROUP HR MAIN MENU NAV OL P PRE SEARCH SECTION SUMMARY TABLE UL LI DD DT",
);
// What a start tag ends first, and what keeps it from doing so.
const ENDS = {
  LI: [words("LI"), words("UL OL MENU DIR")],
  DT: [words("DT DD"), words("DL")],
  DD: [words("DT DD"), words("DL")],
  TD: [words("TD TH"), words("TR TABLE")],
  TH: [words("TD TH"), words("TR TABLE")],
  TR: [words("TR"), words("TABLE TBODY THEAD TFOOT")],
  TBODY: [words("TBODY THEAD TFOOT"), words("TABLE")],
  THEAD: [words("TBODY THEAD TFOOT"), words("TABLE")],
  TFOOT: [words("TBODY THEAD TFOOT"), words("TABLE")],
  OPTION: [words("OPTION"), words("SELECT")],
  A: [words("A"), WALLS],
};
// Deeper elements become siblings, as in browsers.
const MAX_DEPTH = 400;

const NAMED = new Map();
const LATIN =
  "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml";
LATIN.split(" ").forEach((name, i) => NAMED.set(name, String.fromCharCode(160 + i)));
const OTHER =
  "amp 38 lt 60 gt 62 quot 34 apos 39 OElig 338 oelig 339 Scaron 352 scaron 353 Yuml 376 fnof 402 circ 710 tilde 732 ensp 8194 emsp 8195 thinsp 8201 zwnj 8204 zwj 8205 lrm 8206 rlm 8207 ndash 8211 mdash 8212 lsquo 8216 rsquo 8217 sbquo 8218 ldquo 8220 rdquo 8221 bdquo 8222 dagger 8224 Dagger 8225 bull 8226 hellip 8230 permil 8240 prime 8242 Prime 8243 lsaquo 8249 rsaquo 8250 oline 8254 frasl 8260 euro 8364 image 8465 weierp 8472 real 8476 trade 8482 alefsym 8501 larr 8592 uarr 8593 rarr 8594 darr 8595 harr 8596 crarr 8629 lArr 8656 uArr 8657 rArr 8658 dArr 8659 hArr 8660 forall 8704 part 8706 exist 8707 empty 8709 nabla 8711 isin 8712 notin 8713 ni 8715 prod 8719 sum 8721 minus 8722 lowast 8727 radic 8730 prop 8733 infin 8734 ang 8736 and 8743 or 8744 cap 8745 cup 8746 int 8747 there4 8756 sim 8764 cong 8773 asymp 8776 ne 8800 equiv 8801 le 8804 ge 8805 sub 8834 sup 8835 nsub 8836 sube 8838 supe 8839 oplus 8853 otimes 8855 perp 8869 sdot 8901 lceil 8968 rceil 8969 lfloor 8970 rfloor 8971 lang 9001 rang 9002 loz 9674 spades 9824 clubs 9827 hearts 9829 diams 9830 check 10003 star 9734 starf 9733 Alpha 913 Beta 914 Gamma 915 Delta 916 Epsilon 917 Zeta 918 Eta 919 Theta 920 Iota 921 Kappa 922 Lambda 923 Mu 924 Nu 925 Xi 926 Omicron 927 Pi 928 Rho 929 Sigma 931 Tau 932 Upsilon 933 Phi 934 Chi 935 Psi 936 Omega 937 alpha 945 beta 946 gamma 947 delta 948 epsilon 949 zeta 950 eta 951 theta 952 iota 953 kappa 954 lambda 955 mu 956 nu 957 xi 958 omicron 959 pi 960 rho 961 sigmaf 962 sigma 963 tau 964 upsilon 965 phi 966 chi 967 psi 968 omega 969 NewLine 10 Tab 9 colon 58 comma 44 period 46 num 35 dollar 36 percnt 37 excl 33 quest 63 lpar 40 rpar 41 ast 42 plus 43 sol 47 bsol 92 lsqb 91 rsqb 93 lowbar 95 grave 96 lbrace 123 rbrace 125 vert 124 commat 64 semi 59 equals 61 hyphen 8208 horbar 8213 numsp 8199 puncsp 8200 hairsp 8202";
const otherWords = OTHER.split(" ");
for (let i = 0; i < otherWords.length; i += 2)
  NAMED.set(otherWords[i], String.fromCodePoint(Number(otherWords[i + 1])));
// Without a semicolon only these are known.
const BARE = new Set([...LATIN.split(" "), "amp", "lt", "gt", "quot"]);
// Numbers that mean Windows-1252, as browsers read them (HTML standard, 13.2.5.80).
const C1 = [
  8364, 0, 8218, 402, 8222, 8230, 8224, 8225, 710, 8240, 352, 8249, 338, 0, 381, 0, 0, 8216, 8217,
  8220, 8221, 8226, 8211, 8212, 732, 8482, 353, 8250, 339, 0, 382, 376,
];

function codePoint(number) {
  const mapped = number >= 128 && number < 160 ? C1[number - 128] || number : number;
  const bad = mapped === 0 || mapped > 0x10ffff || (mapped >= 0xd800 && mapped <= 0xdfff);
  return String.fromCodePoint(bad || Number.isNaN(mapped) ? 0xfffd : mapped);
}

function decode(text) {
  if (!text.includes("&")) return text;
  return text.replace(/&(?:#[xX]([\da-fA-F]+)|#(\d+)|([a-zA-Z][a-zA-Z\d]*));?/g, (all, hex, ten, name) => {
    if (hex !== undefined) return codePoint(Number.parseInt(hex, 16));
    if (ten !== undefined) return codePoint(Number.parseInt(ten, 10));
    if (all.endsWith(";")) {
      const known = NAMED.get(name);
      if (known !== undefined) return known;
    }
    // As in "&copy2020": the longest name that needs no semicolon.
    for (let n = Math.min(name.length, 6); n > 1; n--)
      if (BARE.has(name.slice(0, n))) return NAMED.get(name.slice(0, n)) + all.slice(n + 1);
    return all;
  });
}

const NAME = /[^\s/>]*/y;
const ATTRIBUTE = /[\s/]*([^\s/>=][^\s/>=]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]*)))?/y;

class Reader {
  constructor(html) {
    this.html = html;
    this.at = 0;
    this.root = new Element("X-ROOT", new Map());
    this.open = [this.root];
  }

  get here() {
    return this.open.at(-1);
  }

  text(data) {
    if (data === "") return;
    const last = this.here.lastChild;
    if (last?.nodeType === TEXT) last.data += data;
    else this.here.append(new Text(data));
  }

  read() {
    const { html } = this;
    while (this.at < html.length) {
      const tag = html.indexOf("<", this.at);
      if (tag < 0) break;
      this.text(decode(html.slice(this.at, tag)));
      this.at = tag;
      const next = html[tag + 1] ?? "";
      if (/[a-zA-Z]/.test(next)) this.startTag();
      else if (next === "/" && /[a-zA-Z]/.test(html[tag + 2] ?? "")) this.endTag();
      else if (next === "!" || next === "?" || next === "/") this.skipComment();
      else {
        this.text("<");
        this.at++;
      }
    }
    this.text(decode(html.slice(this.at)));
    return this.root;
  }

  skipComment() {
    const comment = this.html.startsWith("<!--", this.at);
    const end = this.html.indexOf(comment ? "-->" : ">", this.at + 2);
    this.at = end < 0 ? this.html.length : end + (comment ? 3 : 1);
  }

  startTag() {
    const { html } = this;
    NAME.lastIndex = this.at + 1;
    const name = NAME.exec(html)[0].toUpperCase();
    const attributes = new Map();
    this.at = NAME.lastIndex;
    for (;;) {
      ATTRIBUTE.lastIndex = this.at;
      const found = ATTRIBUTE.exec(html);
      if (found === null) break;
      this.at = ATTRIBUTE.lastIndex;
      const key = found[1].toLowerCase();
      if (!attributes.has(key)) attributes.set(key, decode(found[2] ?? found[3] ?? found[4] ?? ""));
    }
    const end = html.indexOf(">", this.at);
    // A tag that never ends is dropped, with the rest.
    if (end < 0) {
      this.at = html.length;
      return;
    }
    const closed = html[end - 1] === "/";
    this.at = end + 1;
    this.element(name, attributes, closed);
  }

  element(name, attributes, closed) {
    if (SKIPPED.has(name)) return;
    if (CLOSES_P.has(name)) this.close(words("P"), WALLS);
    if (ENDS[name] !== undefined) this.close(...ENDS[name]);
    const element = new Element(name, attributes);
    this.here.append(element);
    if (VOIDS.has(name) || (closed && this.open.some((e) => e.nodeName === "SVG" || e.nodeName === "MATH")))
      return;
    if (RAW.has(name) || TEXT_ONLY.has(name)) {
      this.rawText(element, name);
      return;
    }
    // The first line break in a PRE does not count.
    if (name === "PRE" && this.html[this.at] === "\n") this.at++;
    if (this.open.length < MAX_DEPTH) this.open.push(element);
  }

  rawText(element, name) {
    const rest = new RegExp(`</${name}[\\s/>]`, "ig");
    rest.lastIndex = this.at;
    const end = rest.exec(this.html)?.index ?? this.html.length;
    const text = this.html.slice(this.at, end);
    if (text !== "") element.append(new Text(RAW.has(name) ? text : decode(text)));
    const close = this.html.indexOf(">", end);
    this.at = close < 0 ? this.html.length : close + 1;
  }

  endTag() {
    NAME.lastIndex = this.at + 2;
    const name = NAME.exec(this.html)[0].toUpperCase();
    const end = this.html.indexOf(">", this.at);
    this.at = end < 0 ? this.html.length : end + 1;
    if (name === "BR") this.here.append(new Element("BR", new Map()));
    else if (/^H[1-6]$/.test(name)) this.close(words("H1 H2 H3 H4 H5 H6"), WALLS);
    else if (name === "P" && !this.close(words("P"), WALLS)) this.here.append(new Element("P", new Map()));
    else this.close(new Set([name]), BLOCKS.has(name) ? words("X-ROOT") : WALLS);
  }

  /** Ends the innermost open element of these names, unless a wall is in between. */
  close(names, walls) {
    for (let i = this.open.length - 1; i > 0; i--) {
      const { nodeName } = this.open[i];
      if (names.has(nodeName)) {
        this.open.length = i;
        return true;
      }
      if (walls.has(nodeName)) return false;
    }
    return false;
  }
}

// --- White space ----------------------------------------------------------

/** Collapses white space as a browser shows it, in all text of the tree. */
function collapse(root, isPre) {
  // The last text before this point on the line, and whether a space may follow.
  let before = null;
  let keepSpace = false;
  const line = (node) => {
    if (node.isBlock || node.nodeName === "BR") {
      if (before !== null && before.data.endsWith(" ")) before.data = before.data.slice(0, -1);
      before = null;
      keepSpace = false;
    } else if (VOIDS.has(node.nodeName) || isPre(node)) {
      before = null;
      keepSpace = true;
    } else if (before !== null) keepSpace = false;
  };
  const text = (node) => {
    let data = node.data.replace(/[ \r\n\t]+/g, " ");
    if ((before === null || before.data.endsWith(" ")) && !keepSpace && data.startsWith(" "))
      data = data.slice(1);
    node.data = data;
    if (data !== "") before = node;
  };
  const walk = (element) => {
    for (const node of element.childNodes) {
      if (node.nodeType === TEXT) {
        text(node);
        continue;
      }
      line(node);
      if (node.childNodes.length > 0 && !isPre(node)) {
        walk(node);
        line(node);
      }
    }
  };
  walk(root);
  if (before?.data.endsWith(" ")) before.data = before.data.slice(0, -1);
  const tidy = (element) => {
    if (element.childNodes.some((node) => node.data === ""))
      element.childNodes = element.childNodes.filter((node) => node.data !== "");
    for (const node of element.childNodes) if (node.nodeType === ELEMENT) tidy(node);
  };
  tidy(root);
}

const EDGES = /^([ \t\r\n]*)(\s*)/;

/** The white space that an inline element has at its ends, as it goes outside. */
function flanking(node, options) {
  if (node.isBlock || (options.preformattedCode && node.nodeName === "CODE"))
    return { leading: "", trailing: "" };
  const content = node.textContent;
  if (!/^\s|\s$/.test(content)) return { leading: "", trailing: "" };
  const [head, ascii, rest] = EDGES.exec(content);
  const end = content.length === head.length ? "" : /\s*$/.exec(content)[0];
  const endRest = end.replace(/[ \t\r\n]*$/, "");
  return {
    leading: ascii !== "" && spaceBeside(node.previousSibling, / $/, options) ? rest : head,
    trailing: end !== endRest && spaceBeside(node.nextSibling, /^ /, options) ? endRest : end,
  };
}

function spaceBeside(node, edge, options) {
  if (node === null) return false;
  if (node.nodeType === TEXT) return edge.test(node.data);
  if (options.preformattedCode && node.nodeName === "CODE") return false;
  return !node.isBlock && edge.test(node.textContent);
}

// --- Rules ----------------------------------------------------------------

const cleanAttribute = (value) => (value ? value.replace(/(\n+\s*)+/g, "\n") : "");
const trimNewlines = (text) => text.replace(/^\n*/, "").replace(/\n*$/, "");
const apart = (content) => `\n\n${content}\n\n`;
const isCodeBlock = (node) =>
  node.nodeName === "PRE" && node.firstChild !== null && node.firstChild.nodeName === "CODE";

function quotedTitle(node) {
  const title = cleanAttribute(node.getAttribute("title"));
  return title === "" ? "" : ` "${title}"`;
}

/** Where a link leads, and its title, as Markdown has it. */
function destination(node) {
  const href = node.getAttribute("href").replace(/[()]/g, "\\$&");
  const title = cleanAttribute(node.getAttribute("title")).replaceAll('"', '\\"');
  return title === "" ? href : `${href} "${title}"`;
}

function heading(content, node, options) {
  const level = Number(node.nodeName[1]);
  if (options.headingStyle === "setext" && level < 3)
    return apart(`${content}\n${(level === 1 ? "=" : "-").repeat(content.length)}`);
  return apart(`${"#".repeat(level)} ${content}`);
}

function list(content, node) {
  const { parentNode } = node;
  const last = parentNode.nodeName === "LI" && parentNode.lastElementChild === node;
  return last ? `\n${content}` : apart(content);
}

function listItem(content, node, options) {
  const { parentNode } = node;
  let prefix = `${options.bulletListMarker}   `;
  if (parentNode.nodeName === "OL") {
    const start = parentNode.getAttribute("start");
    const index = parentNode.children.indexOf(node);
    prefix = `${start ? Number(start) + index : index + 1}.  `;
  }
  const inner = trimNewlines(content) + (content.endsWith("\n") ? "\n" : "");
  const indented = inner.replaceAll("\n", `\n${" ".repeat(prefix.length)}`);
  return prefix + indented + (node.nextSibling ? "\n" : "");
}

function fencedCode(_content, node, options) {
  const language = /language-(\S+)/.exec(node.firstChild.className)?.[1] ?? "";
  const code = node.firstChild.textContent;
  const mark = options.fence[0];
  const inside = code.match(new RegExp(`^[${mark}]{3,}`, "gm")) ?? [];
  const fence = mark.repeat(inside.reduce((n, found) => Math.max(n, found.length + 1), 3));
  return apart(`${fence}${language}\n${code.replace(/\n$/, "")}\n${fence}`);
}

function inlineCode(content) {
  if (!content) return "";
  const code = content.replace(/\r?\n|\r/g, " ");
  const room = /^`|^ .*?[^ ].* $|`$/.test(code) ? " " : "";
  const inside = code.match(/`+/g) ?? [];
  let mark = "`";
  while (inside.includes(mark)) mark += "`";
  return mark + room + code + room + mark;
}

function referenceLink() {
  let references = [];
  return {
    filter: (node, options) =>
      options.linkStyle === "referenced" && node.nodeName === "A" && node.getAttribute("href"),
    replacement(content, node, options) {
      const target = destination(node);
      if (options.linkReferenceStyle === "collapsed") {
        references.push(`[${content}]: ${target}`);
        return `[${content}][]`;
      }
      if (options.linkReferenceStyle === "shortcut") {
        references.push(`[${content}]: ${target}`);
        return `[${content}]`;
      }
      references.push(`[${references.length + 1}]: ${target}`);
      return `[${content}][${references.length}]`;
    },
    append() {
      const all = references.length > 0 ? apart(references.join("\n")) : "";
      references = [];
      return all;
    },
  };
}

const emphasis = (option) => (content, _node, options) =>
  content.trim() ? options[option] + content + options[option] : "";

function commonRules() {
  return {
    paragraph: { filter: "p", replacement: apart },
    lineBreak: { filter: "br", replacement: (_content, _node, { br }) => `${br}\n` },
    heading: { filter: ["h1", "h2", "h3", "h4", "h5", "h6"], replacement: heading },
    blockquote: {
      filter: "blockquote",
      replacement: (content) => apart(trimNewlines(content).replace(/^/gm, "> ")),
    },
    list: { filter: ["ul", "ol"], replacement: list },
    listItem: { filter: "li", replacement: listItem },
    indentedCodeBlock: {
      filter: (node, { codeBlockStyle }) => codeBlockStyle === "indented" && isCodeBlock(node),
      replacement: (_content, node) =>
        apart(`    ${node.firstChild.textContent.replaceAll("\n", "\n    ")}`),
    },
    fencedCodeBlock: {
      filter: (node, { codeBlockStyle }) => codeBlockStyle === "fenced" && isCodeBlock(node),
      replacement: fencedCode,
    },
    horizontalRule: { filter: "hr", replacement: (_content, _node, { hr }) => apart(hr) },
    inlineLink: {
      filter: (node, { linkStyle }) =>
        linkStyle === "inlined" && node.nodeName === "A" && node.getAttribute("href"),
      replacement: (content, node) => `[${content}](${destination(node)})`,
    },
    referenceLink: referenceLink(),
    emphasis: { filter: ["em", "i"], replacement: emphasis("emDelimiter") },
    strong: { filter: ["strong", "b"], replacement: emphasis("strongDelimiter") },
    code: {
      filter(node) {
        if (node.nodeName !== "CODE") return false;
        const alone = node.parentNode.childNodes.length === 1;
        return !(node.parentNode.nodeName === "PRE" && alone);
      },
      replacement: inlineCode,
    },
    image: {
      filter: "img",
      replacement(_content, node) {
        const src = node.getAttribute("src") ?? "";
        const alt = cleanAttribute(node.getAttribute("alt"));
        return src ? `![${alt}](${src}${quotedTitle(node)})` : "";
      },
    },
  };
}

function fits({ filter }, node, options, service) {
  if (typeof filter === "string") return filter === node.localName;
  if (Array.isArray(filter)) return filter.includes(node.localName);
  if (typeof filter === "function") return Boolean(filter.call(service, node, options));
  throw new TypeError("`filter` needs to be a string, array, or function");
}

class Rules {
  constructor(options) {
    const common = commonRules();
    Object.assign(common, options.rules);
    this.options = options;
    this.array = Object.values(common);
    this.kept = [];
    this.removed = [];
    this.blankRule = { replacement: options.blankReplacement };
    this.keepReplacement = options.keepReplacement;
    this.defaultRule = { replacement: options.defaultReplacement };
  }

  add(_key, rule) {
    this.array.unshift(rule);
  }

  keep(filter) {
    this.kept.unshift({ filter, replacement: this.keepReplacement });
  }

  remove(filter) {
    this.removed.unshift({ filter, replacement: () => "" });
  }

  forEach(callback) {
    this.array.forEach(callback);
  }

  forNode(node, service) {
    if (isBlank(node)) return this.blankRule;
    for (const list of [this.array, this.kept, this.removed]) {
      const found = list.find((rule) => fits(rule, node, this.options, service));
      if (found !== undefined) return found;
    }
    return this.defaultRule;
  }
}

// --- Output ---------------------------------------------------------------

const NEWLINE = 10;

/** Pieces joined with the larger of the line breaks that meet, two at most. */
class Output {
  #pieces = [];
  #breaks = 0;

  add(text) {
    let from = 0;
    let to = text.length;
    while (from < to && text.charCodeAt(from) === NEWLINE) from++;
    while (to > from && text.charCodeAt(to - 1) === NEWLINE) to--;
    const before = Math.min(2, Math.max(this.#breaks, from));
    if (from === to) {
      this.#breaks = before;
      return;
    }
    if (before > 0) this.#pieces.push("\n".repeat(before));
    this.#pieces.push(text.slice(from, to));
    this.#breaks = text.length - to;
  }

  toString() {
    return this.#pieces.join("") + "\n".repeat(this.#breaks);
  }
}

const DEFAULTS = {
  headingStyle: "setext",
  hr: "* * *",
  bulletListMarker: "*",
  codeBlockStyle: "indented",
  fence: "```",
  emDelimiter: "_",
  strongDelimiter: "**",
  linkStyle: "inlined",
  linkReferenceStyle: "full",
  br: "  ",
  preformattedCode: false,
  rules: {},
  blankReplacement: (_content, node) => (node.isBlock ? "\n\n" : ""),
  keepReplacement: (_content, node) => (node.isBlock ? apart(node.outerHTML) : node.outerHTML),
  defaultReplacement: (content, node) => (node.isBlock ? apart(content) : content),
};

class TurndownService {
  constructor(options) {
    this.options = { ...DEFAULTS, ...options };
    this.rules = new Rules(this.options);
  }

  /** Markdown for HTML text. */
  turndown(input) {
    if (typeof input !== "string")
      throw new TypeError(`${input} is not a string, or an element/document/fragment node.`);
    if (input === "") return "";
    const root = new Reader(input).read();
    const { preformattedCode } = this.options;
    collapse(
      root,
      ({ nodeName }) => nodeName === "PRE" || (preformattedCode && nodeName === "CODE"),
    );
    const output = new Output();
    output.add(this.#inside(root));
    this.rules.forEach((rule) => {
      if (typeof rule.append === "function") output.add(rule.append(this.options));
    });
    return `${output}`.replace(/^[\t\r\n]+/, "").trimEnd();
  }

  #inside(node) {
    const output = new Output();
    for (const child of node.childNodes) {
      if (child.nodeType === ELEMENT) output.add(this.#element(child));
      else output.add(node.isCode ? child.data : this.escape(child.data));
    }
    return `${output}`;
  }

  #element(node) {
    const rule = this.rules.forNode(node, this);
    let content = this.#inside(node);
    const { leading, trailing } = flanking(node, this.options);
    node.flankingWhitespace = { leading, trailing };
    if (leading !== "" || trailing !== "") content = content.trim();
    return `${leading}${rule.replacement(content, node, this.options)}${trailing}`;
  }

  /** Adds a plugin, or a list of them. */
  use(plugin) {
    if (Array.isArray(plugin)) plugin.forEach((one) => this.use(one));
    else if (typeof plugin === "function") plugin(this);
    else throw new TypeError("plugin must be a Function or an Array of Functions");
    return this;
  }

  addRule(key, rule) {
    this.rules.add(key, rule);
    return this;
  }

  keep(filter) {
    this.rules.keep(filter);
    return this;
  }

  remove(filter) {
    this.rules.remove(filter);
    return this;
  }

  /** Marks what Markdown would read as its own signs. */
  escape(text) {
    return text
      .replace(/[\\*`[\]_]/g, "\\$&")
      .replace(/^(?:-|\+ |=+|#{1,6} |~~~|>)/, "\\$&")
      .replace(/^(\d+)\. /, "$1\\. ");
  }
}

export default TurndownService;
