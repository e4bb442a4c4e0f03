// Texts that write themselves: see writer.py for what it is given, and pages/_char_rnn/takes.py for a packed take.
//
// Streamlit calls the default export at the start and again whenever the data or the theme change. What belongs to one
// place on the page is kept in a WeakMap, and handlers are assigned, not added. What a network wrote only ever becomes
// textContent. All characters of a text stand on the page from the start, those ahead unseen: so nothing moves.

const STACKED = 640 // px; below this width the takes stand one below the other
const [COMMON, LARGEST] = [16, 22] // px: type grows with the width of a take, so that a line keeps its characters
const WIDTH = 34 // of a take, in sizes of its type
const [BARS, SHARE] = [108, 0.28] // px that bars need, and of a take's height for them where that is more
const TALLEST = 0.3 // of their width, where takes grow with the window
const TOP = 10 // characters of a distribution that are sent
const HEAT = 64 // % of the colour of surprise at 8 bits and more
const FRAME = 900 // ms that a frame stays while playing
const LONG = 200 // characters of a prime that may fill the box
const VOCABULARY = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ \t\n\r\v\f"
const SIGNS = { "\t": "⇥", "\n": "↵", "\r": "␍", "\v": "␋", "\f": "␌" }
const instances = new WeakMap()

export default function ({ parentElement, data, setStateValue }) {
  let self = instances.get(parentElement)
  if (!self) instances.set(parentElement, (self = create(parentElement)))
  self.tell = switched => setStateValue("switch", switched)
  accept(self, told(data))
  return () => {
    stop(self)
    self.observer.disconnect()
    removeEventListener("resize", self.resized)
    instances.delete(parentElement)
  }
}

// One writer: `shown` characters are written, of `total`; `pin` and `hover` are places in the text, or null

function create(parent) {
  const find = name => parent.querySelector(name)
  const self = { root: find(".writer"), area: find(".takes"), slider: find("input"), play: find(".play"),
    now: find(".now"), widest: find(".widest"), views: [], data: null, frame: 0, shown: 0, total: 0, given: 0,
    pin: null, hover: null, timer: null, waiting: null, asked: false }
  self.resized = () => self.data && arrange(self)
  self.observer = new ResizeObserver(self.resized)
  self.observer.observe(self.root)
  addEventListener("resize", self.resized)
  self.play.onclick = () => toggle(self)
  find(".back").onclick = () => step(self, -1)
  find(".on").onclick = () => step(self, 1)
  self.slider.oninput = () => {
    stop(self)
    move(self, Number(self.slider.value))
  }
  self.root.onkeydown = event => press(self, event)
  self.root.onkeyup = event => event.key === " " && event.preventDefault() // Firefox clicks a button on keyup
  return self
}

// Data

function accept(self, data) {
  const old = self.data
  if (old && old.take === data.take) { // the same texts; the temperature may have come back while it was away
    self.data = data
    return self.waiting && goOn(self)
  }
  const tempered = old && old.about === data.about && data.frames.length === 1
  const begun = tempered && self.shown < self.total
  if (begun && data.schedule.length === 1) return ask(self, data)
  if (old && (!begun || old.story !== data.story)) stop(self) // as long as the old texts stand: the new may be shorter
  self.hover = null
  self.data = data
  self.root.setAttribute("aria-label", data.alt)
  const anew = old && old.story !== data.story
  const here = self.shown
  measure(self)
  if (!old || anew) self.pin = self.given
  if (anew && data.speed && data.frames.length === 1) {
    lay(self, 0)
    return start(self)
  }
  if (begun) {
    lay(self, here)
    return goOn(self)
  }
  self.pin ??= self.given
  lay(self, self.total)
  if (self.asked) self.tell(null) // what was switched before is over
  self.asked = false
}

// The temperature was moved in the middle of a text: what is written stays, and Python works out the rest
function ask(self, data) {
  const playing = self.waiting ? self.waiting.playing : self.timer !== null
  stop(self)
  self.waiting = { playing }
  self.asked = true
  const before = self.data.schedule.filter(([from]) => from < self.shown)
  self.tell([data.about, [...before, [self.shown, data.schedule[0][1]]], Date.now()])
}

function goOn(self) {
  const playing = self.waiting?.playing ?? self.timer !== null
  self.waiting = null
  if (playing && self.timer === null) start(self)
}

function measure(self) {
  const { frames } = self.data
  const [first] = frames[0].panels
  self.given = first.prime
  self.total = first.text.length - first.prime
  self.many = frames.length > 1
  self.frame = Math.min(self.frame, frames.length - 1)
  if (self.pin !== null) self.pin = Math.min(self.pin, first.text.length - 1)
  self.slider.max = self.many ? frames.length - 1 : self.total
  self.slider.setAttribute("aria-label", self.data.axis)
  const last = self.many ? frames.at(-1).label : String(self.total)
  self.widest.textContent = `${self.data.axis} ${last} of ${last}`
}

function unpack(panel) {
  return { ...panel, numbers: new Float32Array(bytes(panel.numbers).buffer), top: bytes(panel.top),
    shares: new Uint16Array(bytes(panel.shares).buffer) }
}

// Texts

function lay(self, shown) {
  if (self.many) {
    self.frame = self.laid === self.data.axis ? self.frame : self.data.frames.length - 1
  }
  self.laid = self.data.axis
  self.shown = self.many ? self.total : shown
  layFrame(self)
  arrange(self)
  choose(self)
  playing(self)
  if (self.given > LONG) followAll(self, self.given + Math.min(80, Math.max(self.shown - 1, 0)))
}

function layFrame(self) {
  const panels = self.data.frames[self.many ? self.frame : 0].panels.map(unpack)
  while (self.views.length > panels.length) self.views.pop().section.remove()
  while (self.views.length < panels.length) self.views.push(view(self))
  const parts = parting(panels.map(panel => panel.text))
  self.views.forEach((one, k) => fill(self, one, panels[k], parts))
  report(self)
}

// The first place where the texts differ, or -1
function parting(texts) {
  if (texts.length < 2) return -1
  return Array.from(texts[0]).findIndex((char, i) => texts.some(text => text[i] !== char))
}

function view(self) {
  const section = self.area.appendChild(make("section", "take"))
  const head = section.appendChild(make("header"))
  const parts = { section, chip: head.appendChild(make("span", "chip")), title: head.appendChild(make("span", "title")),
    about: head.appendChild(make("span", "about")), head, box: section.appendChild(make("div", "box")) }
  parts.text = parts.box.appendChild(make("div", "text"))
  parts.text.tabIndex = 0
  parts.text.setAttribute("role", "textbox")
  parts.text.setAttribute("aria-readonly", "true")
  parts.text.setAttribute("aria-multiline", "true")
  parts.text.onpointerover = event => hover(self, event.pointerType === "mouse" ? event.target.place ?? null : null)
  parts.text.onpointerleave = () => hover(self, null)
  parts.text.onclick = event => {
    if (event.target.place === undefined) return
    self.pin = self.pin === event.target.place ? null : event.target.place
    if (self.pin !== null) stop(self)
    choose(self)
  }
  const said = section.appendChild(make("div", "said"))
  parts.where = said.appendChild(make("div", "where"))
  parts.figures = said.appendChild(make("div", "figures"))
  const bars = parts.row = section.appendChild(make("div", "bars"))
  bars.setAttribute("aria-hidden", "true")
  parts.bars = Array.from({ length: TOP + 1 }, (_, i) => {
    const bar = bars.appendChild(make("div", i < TOP ? "bar" : "bar more"))
    const pair = bar.appendChild(make("div", "pair"))
    const [before, after] = ["before", "after"].map(name => pair.appendChild(make("i", name)))
    return { bar, before, after, percent: after.appendChild(make("b")), letter: bar.appendChild(make("div", "letter")) }
  })
  return parts
}

function fill(self, one, panel, parts) {
  one.panel = panel
  one.section.style.setProperty("--side", `var(--${panel.side})`)
  one.chip.textContent = panel.chip
  one.chip.hidden = !panel.chip
  one.title.textContent = panel.title
  one.about.textContent = [parts < 0 ? "" : `parts at character ${parts + 1 - panel.prime}`, panel.about]
    .filter(Boolean).join(" · ")
  one.text.setAttribute("aria-label", `${panel.chip} ${panel.title}`.trim())
  one.spans = Array.from(panel.text, (char, i) => {
    const span = make("span", i < panel.prime ? "given" : i >= panel.prime + self.shown ? "ahead" : "",
      char === "\n" || !SIGNS[char] ? char : "")
    if (SIGNS[char]) span.dataset.sign = SIGNS[char]
    if (i === parts) span.classList.add("part")
    const bits = panel.numbers[4 * i]
    if (bits > 0) span.style.setProperty("--s", ((HEAT * Math.min(bits, 8)) / 8).toFixed(1))
    span.place = i
    return span
  })
  one.text.replaceChildren(...one.spans)
  one.chosen = null
}

function write(self, shown) {
  const [from, to] = [Math.min(self.shown, shown), Math.max(self.shown, shown)]
  for (const { spans, panel } of self.views) {
    for (let i = from; i < to; i++) spans[panel.prime + i].classList.toggle("ahead", shown < self.shown)
  }
  self.shown = shown
  for (const one of self.views) {
    one.text.querySelector(".caret")?.classList.remove("caret")
    const last = one.spans[self.given + shown - 1]
    if (self.timer !== null) last?.classList.add("caret")
  }
  report(self)
  choose(self)
}

// Keep a place in sight. Not part of ``write``: asking where it lies makes the browser lay out the whole text.
function followAll(self, place) {
  for (const { text, spans } of self.views) {
    const span = spans[Math.max(place, 0)]
    const end = span.offsetTop + span.offsetHeight
    if (end > text.scrollTop + text.clientHeight || span.offsetTop < text.scrollTop) {
      text.scrollTop = end - text.clientHeight
    }
  }
}

// Moving

function move(self, to) {
  if (self.many) {
    self.frame = Math.min(Math.max(to, 0), self.data.frames.length - 1)
    layFrame(self)
    return choose(self)
  }
  self.pin = null
  write(self, Math.min(Math.max(to, 0), self.total))
  followAll(self, self.given + self.shown - 1)
}

function step(self, by) {
  stop(self)
  move(self, (self.many ? self.frame : self.shown) + by)
}

function toggle(self) {
  if (self.timer !== null) return stop(self)
  start(self)
}

function start(self) {
  self.waiting = null
  const last = self.many ? self.data.frames.length - 1 : self.total
  const at = () => (self.many ? self.frame : self.shown)
  const begin = Math.min(last, (at() >= last ? 0 : at()) + !self.many) // a letter at once: everybody waits for it
  let clock = null
  const tick = now => {
    clock ??= now
    const rate = self.many ? 1 / FRAME : (self.data.speed || 1000) / 1000
    const to = Math.min(last, begin + Math.floor((now - clock) * rate))
    if (to !== at()) move(self, to)
    if (to < last) self.timer = requestAnimationFrame(tick)
    else stop(self)
  }
  self.timer = requestAnimationFrame(tick)
  playing(self)
  if (!self.many) {
    self.pin = null
    write(self, begin)
  } else move(self, begin)
}

function stop(self) {
  if (self.timer !== null) cancelAnimationFrame(self.timer)
  self.timer = null
  for (const one of self.views) one.text.querySelector(".caret")?.classList.remove("caret")
  playing(self)
  if (self.data && self.views.length) choose(self)
}

function playing(self) {
  const on = self.timer !== null
  self.root.classList.toggle("playing", on)
  const what = on ? "Stop" : self.many ? "Play" : self.shown >= self.total ? "Write again" : "Go on"
  self.play.setAttribute("aria-label", what)
  self.play.title = `${what} (space)`
}

function press(self, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return
  if (event.key === " ") {
    if (!event.repeat) toggle(self)
    return event.preventDefault()
  }
  if (event.key === "Escape") {
    self.pin = self.hover = null
    return choose(self)
  }
  const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -10, ArrowDown: 10, PageUp: -50, PageDown: 50 }[event.key]
  const end = { Home: -Infinity, End: Infinity }[event.key]
  if (by === undefined && end === undefined) return
  event.preventDefault()
  if (event.target.closest?.(".text")) {
    const place = chosen(self) + (by ?? end)
    self.hover = null
    self.pin = Math.min(Math.max(place, 0), self.given + self.shown - 1)
    stop(self)
    followAll(self, self.pin)
  } else step(self, self.many ? Math.sign(by ?? end) * (end ? Infinity : 1) : by ?? end)
}

function report(self) {
  const { data } = self
  const [at, last] = self.many ? [self.frame, data.frames.length - 1] : [self.shown, self.total]
  const text = self.many ? `${data.axis} ${data.frames[at].label} of ${data.frames[last].label}` : `${data.axis} ${at} of ${last}`
  self.slider.value = at
  self.slider.style.setProperty("--done", last ? at / last : 1)
  self.slider.setAttribute("aria-valuetext", text)
  self.now.textContent = text
}

function arrange(self) {
  const width = self.area.clientWidth
  if (!width) return // hidden; the observer calls again
  const stacked = width < STACKED
  self.area.classList.toggle("stacked", stacked)
  const narrow = stacked || width / self.views.length < 450
  self.area.classList.toggle("narrow", narrow)
  const type = Math.min(LARGEST, Math.max(COMMON, Math.floor(width / self.views.length / WIDTH)))
  self.area.style.setProperty("--type", narrow ? "" : type)
  const { height: wanted, rest } = self.data
  const height = stacked ? wanted : Math.max(least(wanted), Math.min(left(rest), TALLEST * width))
  self.area.style.height = stacked ? "" : `${height}px`
  self.root.style.minHeight = `${height + 48}px`
  for (const one of self.views) {
    one.section.style.height = stacked ? `${height}px` : ""
    one.narrow = narrow
    fit(one, height)
  }
}

// A text shows whole lines; what is left over goes to its bars.
function fit({ head, box, text, row }, height) {
  const line = parseFloat(getComputedStyle(text).lineHeight)
  const frame = box.offsetHeight - text.offsetHeight
  const bars = Math.max(BARS, SHARE * height)
  row.style.minHeight = `${bars}px`
  const rest = head.offsetHeight + row.previousSibling.offsetHeight + bars
  text.style.height = `${Math.max(1, Math.floor((height - frame - rest) / line)) * line}px`
}
