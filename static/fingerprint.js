/**
 * The reader of the browser's fingerprint. A server compares fingerprints to recognise whether a session is still used on the
 * device on which it was opened.
 *
 * Content: the fifteen fields of the page script of fastapi-simple-jwt, which used two third-party libraries, and two more
 * fields (`gpu`, `touchPoints`).
 *
 * Purpose: the object is sent as `fingerprint` with a sign-in and with each refresh. Vestibule compares it by component,
 * tolerates everyday changes (an update, a journey, another screen), and stores only keyed hashes. The fingerprint makes a
 * copied refresh token harder to use. It proves nothing, because a script can send any values.
 *
 * Limits: the module sends no request, stores nothing and writes nothing into the page. It reads nothing that reveals a
 * disability (contrast, forced colours, reduced motion). The drawing is returned as a digest, never as a picture.
 *
 * `collect` never throws: a field that the browser refuses is absent. It needs neither https nor `crypto.subtle`.
 *
 * The module has no imports, so any front end may use it alone:
 *
 *     import { collect } from 'https://auth.example.com/static/fingerprint.js';
 *     const body = JSON.stringify({ email, password, fingerprint: await collect() });
 *
 * @module
 */

/**
 * @typedef {object} Fingerprint
 * @property {string} visitorId digest of the fields that change least
 * @property {string} userAgent
 * @property {string} os family, as ClientJS names it: `Windows`, `Mac OS`, `Linux`, `Android`, `iOS`, `Chromium OS`
 * @property {string} [osVersion]
 * @property {string} browser family, as ClientJS names it: `Chrome`, `Firefox`, `Safari`, `Mobile Safari`, `Edge`, `Opera`
 * @property {string} [browserVersion]
 * @property {string} [screenPrint] in the format of ClientJS
 * @property {string} [timezone] IANA id such as `Europe/Vienna`; the name of a zone would depend on the language
 * @property {string} [language]
 * @property {string} [cpu]
 * @property {string} [plugins] names, separated by commas
 * @property {string} [fonts] the installed fonts of a short list, separated by commas
 * @property {string} [canvasPrint] digest of a drawing; absent if the browser adds noise
 * @property {number | 'unknown'} deviceMemory in GiB, if the browser reveals it
 * @property {number | 'unknown'} hardwareConcurrency
 * @property {string} [gpu] renderer and driver
 * @property {number} [touchPoints]
 */

/**
 * Returns the value of a function, or undefined if it throws.
 * @template T
 * @param {() => T} read
 * @returns {T | undefined}
 */
function attempt(read) {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/**
 * Returns the FNV-1a hash of a text, 64 bits in hexadecimal. No secret depends on it, because the server hashes the value
 * with a key. `crypto.subtle` is not used: it is missing without a secure context, and the digest must not depend on that.
 * @param {string} text
 */
function digest(text) {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, '0');
}

/**
 * Returns name and version by the first pattern that matches.
 * @param {string} userAgent
 * @param {[string, RegExp][]} patterns the more specific first, because nearly every user agent also contains Chrome and Safari
 * @returns {[string, string | undefined]}
 */
function recognise(userAgent, patterns) {
  for (const [name, pattern] of patterns) {
    const match = pattern.exec(userAgent);
    if (match) return [name, match[1]];
  }
  return ['unknown', undefined];
}

/** @type {[string, RegExp][]} */
const BROWSERS = [
  ['Edge', /\bEdg(?:e|A|iOS)?\/([\d.]+)/],
  ['Opera', /\b(?:OPR|OPT|OPiOS)\/([\d.]+)/],
  ['Samsung Browser', /\bSamsungBrowser\/([\d.]+)/],
  ['Firefox', /\b(?:Firefox|FxiOS)\/([\d.]+)/],
  ['Chrome', /(?:Chrome|CriOS|Chromium)\/([\d.]+)/],
  ['Mobile Safari', /\bVersion\/([\d.]+).* Mobile\/\w+ Safari\//],
  ['Safari', /\bVersion\/([\d.]+).* Safari\//],
];

/** @type {[string, RegExp][]} */
const SYSTEMS = [
  ['Windows', /\bWindows(?: NT ([\d.]+))?/],
  ['iOS', /\b(?:iPhone|iPad|iPod)\b(?:.* OS ([\d_]+))?/],
  ['Android', /\bAndroid(?: ([\d.]+))?/],
  ['Chromium OS', /\bCrOS \S+ ([\d.]+)/],
  ['Mac OS', /\bMac(?:intosh| OS X)(?:.* Mac OS X ([\d_.]+))?/],
  ['Linux', /\bLinux(?: (\w+))?/],
];

/**
 * Returns the processor from the user agent, as ClientJS names it. If it is not there (a Mac, a phone), returns `platform`.
 * `userAgentData` is not used: only some browsers have it, and only over https.
 * @param {string} userAgent
 */
function processor(userAgent) {
  if (/(?:x86_64|x64|amd64|Win64|WOW64)[;)\s]/i.test(userAgent)) return 'amd64';
  if (/(?:i[346]86|x86)[;)]/.test(userAgent)) return 'ia32';
  return navigator.platform;
}

/**
 * Returns the screen in the format of ClientJS, including two properties that only Internet Explorer had. The longer side
 * comes first, so that turning a phone changes nothing. The pixel ratio is left out, because it changes with the zoom.
 */
function screenPrint() {
  const size = (a, b) => `${Math.max(a, b)}x${Math.min(a, b)}`;
  const { width, height, availWidth, availHeight, colorDepth } = screen;
  return (
    `Current Resolution: ${size(width, height)}, Available Resolution: ${size(availWidth, availHeight)}, ` +
    `Color Depth: ${colorDepth}, Device XDPI: undefined, Device YDPI: undefined`
  );
}

/** Returns a canvas that is never part of the page. */
function canvas(width, height) {
  return Object.assign(document.createElement('canvas'), { width, height });
}

/** Draws text, an emoji and overlapping colours. The pixels depend on fonts, rasteriser and driver. */
function drawing() {
  const sheet = canvas(240, 60);
  /** @type {any} */
  const pen = sheet.getContext('2d');
  pen.textBaseline = 'alphabetic';
  pen.fillStyle = '#f60';
  pen.fillRect(100, 1, 62, 20);
  pen.fillStyle = '#069';
  pen.font = '11pt "Times New Roman"';
  pen.fillText('Cwm fjordbank gly \u{1F603}', 2, 15);
  pen.fillStyle = 'rgba(102, 204, 0, 0.2)';
  pen.font = '18pt Arial';
  pen.fillText('Cwm fjordbank gly', 4, 45);
  pen.globalCompositeOperation = 'multiply';
  for (const [x, colour] of /** @type {[number, string][]} */ ([[40, '#f2f'], [60, '#ff2'], [80, '#2ff']])) {
    pen.fillStyle = colour;
    pen.beginPath();
    pen.arc(x, 35, 20, 0, 7);
    pen.fill();
  }
  return sheet.toDataURL();
}

/**
 * Returns the chunks of a PNG that make the image: those whose name begins with a capital letter. Firefox adds another chunk,
 * which changes no pixel and differs at each start of the browser.
 * @param {string} url
 */
function image(url) {
  const png = atob(url.slice(url.indexOf(',') + 1));
  const length = (at) => [0, 1, 2, 3].reduce((sum, byte) => sum * 256 + png.charCodeAt(at + byte), 0);
  let kept = '';
  for (let at = 8; at < png.length; at += length(at) + 12) {
    if (png[at + 4] < 'a') kept += png.slice(at + 4, at + 8 + length(at));
  }
  return kept;
}

/** Draws twice. A browser that adds noise to each reading returns two different pictures, which are both useless. */
function canvasPrint() {
  const picture = image(drawing());
  return picture === image(drawing()) ? digest(picture) : undefined;
}

/** Fonts that belong to one system, office suite or desktop and not to the others. */
const FONTS = [
  'Arial', 'Calibri', 'Cambria', 'Cantarell', 'Consolas', 'Courier New', 'DejaVu Sans', 'Futura', 'Georgia',
  'Helvetica Neue', 'Liberation Sans', 'Menlo', 'Noto Sans', 'Roboto', 'San Francisco', 'Segoe UI', 'Tahoma',
  'Times New Roman', 'Ubuntu', 'Verdana',
];

/** Returns the installed fonts. A font is installed if a text in it differs in width from one of the fallback fonts. */
function fonts() {
  /** @type {any} */
  const pen = canvas(1, 1).getContext('2d');
  const width = (family) => {
    pen.font = `72px ${family}`;
    return pen.measureText('mmMwWLliI0O&1').width;
  };
  const fallbacks = ['monospace', 'serif', 'sans-serif'].map((family) => [family, width(family)]);
  const differs = (font) => fallbacks.some(([family, plain]) => width(`"${font}", ${family}`) !== plain);
  return FONTS.filter(differs).join(', ');
}

/** Values of a browser that hides its renderer. */
const MASKED = ['WebKit WebGL', 'Mozilla', ''];

/** Returns the renderer. Firefox returns it directly, and warns in the console about the extension that the others need. */
function gpu() {
  /** @type {any} */
  const gl = canvas(1, 1).getContext('webgl');
  let renderer = gl.getParameter(gl.RENDERER);
  if (MASKED.includes(renderer)) {
    const named = gl.getExtension('WEBGL_debug_renderer_info');
    renderer = named ? gl.getParameter(named.UNMASKED_RENDERER_WEBGL) : undefined;
  }
  // A page may have only a few contexts, and this context is no longer needed.
  gl.getExtension('WEBGL_lose_context')?.loseContext();
  return MASKED.includes(renderer) ? undefined : renderer;
}

/** Lets the browser process input between two slow signals. A timer would wait a second in a hidden tab. */
async function breathe() {
  await attempt(() => globalThis.scheduler?.yield?.());
}

/**
 * Reads all signals, in some tens of milliseconds.
 * @returns {Promise<Fingerprint>}
 */
export async function collect() {
  const userAgent = String(attempt(() => navigator.userAgent));
  const [os, osVersion] = recognise(userAgent, SYSTEMS);
  const [browser, browserVersion] = recognise(userAgent, BROWSERS);
  /** @type {Fingerprint} */
  const print = {
    visitorId: '',
    userAgent,
    os,
    osVersion,
    browser,
    browserVersion,
    screenPrint: attempt(screenPrint),
    timezone: attempt(() => Intl.DateTimeFormat().resolvedOptions().timeZone),
    language: attempt(() => navigator.language),
    cpu: attempt(() => processor(userAgent)),
    plugins: attempt(() => Array.from(navigator.plugins, (plugin) => plugin.name).join(', ')),
    // Only Chromium has this property, and only over https.
    deviceMemory: attempt(() => /** @type {any} */ (navigator).deviceMemory) ?? 'unknown',
    hardwareConcurrency: attempt(() => navigator.hardwareConcurrency) ?? 'unknown',
    touchPoints: attempt(() => navigator.maxTouchPoints),
  };
  print.fonts = attempt(fonts);
  await breathe();
  print.canvasPrint = attempt(canvasPrint);
  await breathe();
  print.gpu = attempt(gpu);
  const lasting = [os, browser, print.canvasPrint, print.gpu, print.fonts, print.cpu, print.hardwareConcurrency];
  print.visitorId = digest(JSON.stringify(lasting));
  return print;
}
