// Keys for a lecture, and presentation mode: see hand.py. Keys are heard wherever no field has the focus; what they do
// is to click the button that is on the page for it, so a key never does what a click could not.

const SEEN = ["present", "bare"] // views: classes of <html>, kept for as long as the tab is open
const PATIENCE = 2500 // ms for which a lesson's step keeps what it is about in view, unless the viewer moves
const [LOW, MENU] = [800, 34] // px: in a window up to this height, a lesson's step has the room of the menu
const EDGE = 14 // px between the last line of a page and the bar of a lesson
const NARROW = 640 // px: on a phone, a step shows the picture and not the controls above it
const SETTLED = 1000 // ms after which a page that has been opened has its controls
const DRAWN = 50 // ms after which the bar of a lesson stands
const LEFT = 100 // ms after which a list has closed
const MOVES = ["wheel", "touchmove", "pointerdown"]
const instances = new WeakMap()

export default function ({ parentElement, data: packed }) {
  const data = told(packed)
  let self = instances.get(parentElement)
  if (!self) instances.set(parentElement, (self = create(parentElement)))
  if (self.place !== data.place) {
    const [was, is] = [Boolean(self.place), Boolean(data.place)]
    self.place = data.place
    if (was !== is && document.documentElement.classList.contains("present")) turn(self, "bare", is)
    makeRoom(self)
    if (data.place) show(self, data.below)
  }
  if (self.asked !== data.asked) { // the bar takes the place of the question, or the other way round
    self.asked = data.asked
    setTimeout(() => makeRoom(self), DRAWN)
  }
  self.list.replaceChildren(...Object.entries(data.keys).flatMap(([key, does]) => [make("dt", key), make("dd", does)]))
  return () => {
    removeEventListener("keydown", self.heard)
    removeEventListener("click", self.left, true)
    removeEventListener("keydown", self.left, true)
    for (const move of MOVES) removeEventListener(move, self.moved)
    clearInterval(self.waiting)
    clearTimeout(self.later)
    self.observer.disconnect()
    instances.delete(parentElement)
  }
}

function create(parent) {
  const find = name => parent.querySelector(name)
  const self = { dialog: find("dialog"), list: find("dl"), views: {}, place: null, bar: null, waiting: null }
  self.observer = new ResizeObserver(() => requestAnimationFrame(() => makeRoom(self)))
  find(".open").onclick = () => self.dialog.showModal()
  find(".close").onclick = () => self.dialog.close()
  self.dialog.onclick = event => { if (event.target === self.dialog) self.dialog.close() } // beside it
  for (const view of SEEN) {
    self.views[view] = find(`.${view}`)
    self.views[view].onclick = () => turn(self, view)
    turn(self, view, kept(view))
  }
  self.later = setTimeout(() => makeRoom(self), SETTLED)
  self.heard = event => hear(self, event)
  addEventListener("keydown", self.heard)
  self.left = event => leave(event)
  addEventListener("click", self.left, true)
  addEventListener("keydown", self.left, true)
  self.moved = () => clearInterval(self.waiting)
  for (const move of MOVES) addEventListener(move, self.moved, { passive: true })
  return self
}

// Views

function kept(view) {
  try { return sessionStorage.getItem(`explorer-${view}`) === "on" } catch { return false } // storage may be forbidden
}

function turn(self, view, on = !document.documentElement.classList.contains(view)) {
  const html = document.documentElement
  if (html.classList.contains(view) !== on) {
    html.classList.toggle(view, on)
    if (view === "present" && self.place) turn(self, "bare", on) // the settings are the step's: the room is the picture's
    makeRoom(self)
  }
  self.views[view].setAttribute("aria-pressed", on)
  try { sessionStorage.setItem(`explorer-${view}`, on ? "on" : "") } catch { /* then for this page alone */ }
}

// Pictures take the room that there is: see left() in scrubber_elements.js
function makeRoom(self) {
  const html = document.documentElement
  const bare = html.classList.contains("bare")
  const [controls, kept] = [false, true].map(on => {
    html.classList.toggle("bare", on)
    return document.querySelector(".st-key-controls")?.getBoundingClientRect().height ?? 0
  })
  html.classList.toggle("bare", bare)
  const found = document.querySelector(".st-key-lesson_bar")
  if (found !== self.bar) { // what it says after an answer may be longer
    self.observer.disconnect()
    if (found) self.observer.observe(found)
    self.bar = found
  }
  const bar = found?.getBoundingClientRect().height ?? 0
  const menu = innerHeight <= LOW && !html.classList.contains("present") ? MENU : 0 // a presentation has none anyway
  const covered = bar && Math.max(0, bar + EDGE - menu)
  html.style.setProperty("--spare", (bare ? controls - kept : 0) - covered)
  dispatchEvent(new Event("resize"))
}

// Keys

const KEYS = {
  " ": () => click(shadowed(".play")),
  ArrowLeft: () => click(shadowed(".back")),
  ArrowRight: () => click(shadowed(".on")),
  t: () => click(document.querySelector('[class*="_stop"] button:not(:disabled)')
    ?? document.querySelector('[class*="_train"] button:not(:disabled), [class*="_layout"] button:not(:disabled)')),
  x: () => click(document.querySelector(".st-key-swap button")),
  n: () => click(document.querySelector(".st-key-lesson_next a")),
  b: () => click(document.querySelector(".st-key-lesson_back a")),
  h: self => turn(self, "bare"),
  f: self => turn(self, "present"),
  "?": self => (self.dialog.open ? self.dialog.close() : self.dialog.showModal()) ?? true,
}
KEYS.PageDown = KEYS.n
KEYS.PageUp = KEYS.b

function hear(self, event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return
  const at = event.composedPath()[0]
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key
  if (isField(at) || (isPressed(at) && (key === " " || key.startsWith("Arrow")))) return
  if (self.dialog.open && key !== "?") return
  const done = /^[1-4]$/.test(key) ? answer(key) : KEYS[key]?.(self)
  if (done ?? KEYS[key]) event.preventDefault()
}

// A list from which something was chosen with the mouse, or that was left with Escape, hears no more keys
function leave(event) {
  const from = event.composedPath()[0]
  const over = event.type === "click" ? from.closest?.('[role="option"]') : event.key === "Escape" && from.role === "combobox"
  if (over) setTimeout(() => document.activeElement?.role === "combobox" && document.activeElement.blur(), LEFT)
}

// Whether typing belongs to this element
const isField = at => at.isContentEditable || /^(TEXTAREA|SELECT)$/.test(at.tagName) || (at.tagName === "INPUT" && !/^(button|checkbox|radio)$/.test(at.type))
  || /^(slider|combobox|spinbutton|listbox|option|menuitem)$/.test(at.getAttribute?.("role") ?? "")

// Whether it answers to these keys itself
const isPressed = at => at.closest?.('a, button, label, summary, [role="radio"], [role="tab"], [role="checkbox"], [type="radio"]')

// The first visible button of a picture; pictures live in shadow trees
function shadowed(name) {
  for (const host of document.querySelectorAll('[data-testid="stBidiComponentRegular"], [data-testid="stBidiComponentIsolated"], [data-testid="stBidiComponent"]')) {
    for (const root of [host.shadowRoot, ...Array.from(host.querySelectorAll("*"), inner => inner.shadowRoot)]) {
      const found = root?.querySelector(`.controls ${name}`)
      if (found?.getClientRects().length) return found
    }
  }
}

function click(button) {
  button?.click()
  return Boolean(button)
}

// The question of a lesson, or else a bet on the page
function answer(number) {
  if (document.querySelector(".st-key-lesson_question")) return clickSoon(`.st-key-lesson_choice_${number} button`)
  return click(document.querySelectorAll('[class*="_bet "] button')[number - 1])
}

// A question may stand before its choices do
function clickSoon(selector, tries = 20) {
  if (!click(document.querySelector(selector)) && tries) setTimeout(() => clickSoon(selector, tries - 1), 50)
  return true
}

// A step of a lesson

function show(self, below) {
  clearInterval(self.waiting)
  const about = below ? '[class*="_tab "], [class$="_tab"]' : innerWidth < NARROW ? '[class*="st-key-stage_"]' : ""
  if (!about) return document.querySelector('[data-testid="stMain"]')?.scrollTo({ top: 0 })
  const began = Date.now()
  self.waiting = setInterval(() => { // what stands above gets its height later
    document.querySelector(about)?.scrollIntoView({ block: "start" })
    if (Date.now() - began > PATIENCE) clearInterval(self.waiting)
  }, 120)
}

function make(tag, text) {
  const element = document.createElement(tag)
  element.textContent = text
  return element
}
