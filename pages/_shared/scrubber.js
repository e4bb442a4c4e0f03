// A picture in panels, with a slider below that scrubs through its frames. See scrubber.py for what it is given.
//
// Streamlit calls the default export at the start and again whenever the data or the theme change. So what belongs to
// one place on the page is kept in a WeakMap, handlers are assigned and not added, and panels redraw what they have.
// Text from Python only ever becomes textContent: names of files and folders are among it.
//
// scrubber.py puts this file and those of the panels, scrubber_*.js, together as one module.

const STACKED = 640 // px; below this width the panels stand one below the other
const KEY_PAUSE = 300 // ms after the last step until Python hears of it
const SVG = "http://www.w3.org/2000/svg"

// A new kind of panel is one function here, in a file of its own, and a check of its lengths in scrubber.py. It is
// called once with its <section>, and returns draw(panel, frame, alt), called for new data and new sizes, and
// show(frame, text), called for each frame.
const PANELS = { curves, tiles, maps }
const instances = new WeakMap()

export default function ({ parentElement, data, setStateValue }) {
  let self = instances.get(parentElement)
  if (!self) instances.set(parentElement, (self = create(parentElement)))
  self.tell = frame => setStateValue("frame", [frame, Date.now()]) // the time tells equal moves apart
  accept(self, data)
  return () => {
    stop(self)
    clearTimeout(self.pause)
    self.observer.disconnect()
    instances.delete(parentElement)
  }
}

// One scrubber: `frame` is shown, `sent` is what Python knows, `timer` runs while playing, `held` while dragging.

function create(parent) {
  const find = name => parent.querySelector(name)
  const self = { root: find(".scrubber"), area: find(".panels"), slider: find("input"), play: find(".play"),
    now: find(".now"), widest: find(".widest"), views: [], frame: 0, sent: 0, timer: null, pause: null, held: false }
  self.act = { grab: frame => grab(self, frame), drag: frame => go(self, frame), release: () => release(self) }
  self.observer = new ResizeObserver(() => self.data && layOut(self))
  self.observer.observe(self.root)
  document.fonts?.ready.then(() => self.data && layOut(self)) // text has been measured, perhaps in another font
  self.play.onclick = () => toggle(self)
  find(".back").onclick = () => step(self, self.frame - 1)
  find(".on").onclick = () => step(self, self.frame + 1)
  self.slider.onpointerdown = event => event.button || grab(self, self.frame)
  self.slider.oninput = () => grab(self, Number(self.slider.value), self.held)
  self.slider.onpointerup = self.slider.onpointercancel = self.slider.onchange = () => release(self)
  self.root.onkeydown = event => press(self, event)
  self.root.onkeyup = event => event.key === " " && event.preventDefault() // Firefox clicks a button on keyup
  return self
}

function accept(self, data) {
  const jumped = data.jumps !== self.data?.jumps // the first data, too
  const atEnd = self.data && self.frame === self.data.frames.length - 1
  self.data = data
  self.root.setAttribute("aria-label", data.alt)
  const alone = data.frames.length === 1 // nothing to scrub
  self.root.classList.toggle("alone", alone)
  self.root.style.minHeight = `${data.height + (alone ? 0 : 48)}px`
  self.slider.max = data.frames.length - 1
  self.slider.setAttribute("aria-label", data.axis)
  self.widest.textContent = reading(data, data.frames.reduce((a, b) => (b.length > a.length ? b : a)))
  if (jumped) self.sent = data.at
  if (jumped && !self.held) {
    stop(self)
    self.frame = data.at
  }
  if (data.live && (jumped || atEnd) && !self.held) self.frame = self.sent = data.frames.length - 1 // new frames follow
  go(self, self.frame)
  layOut(self)
}

const reading = (data, label) => `${data.axis} ${label} of ${data.frames.at(-1)}`

function go(self, frame) {
  const last = self.data.frames.length - 1
  self.frame = Math.min(Math.max(frame, 0), last)
  const text = reading(self.data, self.data.frames[self.frame])
  self.slider.value = self.frame
  self.slider.style.setProperty("--done", last ? self.frame / last : 1)
  self.slider.setAttribute("aria-valuetext", text)
  self.now.textContent = text
  for (const view of self.views) view.show(self.frame, text)
}

function send(self) {
  clearTimeout(self.pause)
  if (self.frame === self.sent) return
  self.sent = self.frame
  self.tell(self.frame)
}

function grab(self, frame, held = true) {
  stop(self)
  self.held = held
  go(self, frame)
}

function release(self) {
  self.held = false
  send(self)
}

function step(self, frame) {
  stop(self)
  go(self, frame)
  clearTimeout(self.pause)
  self.pause = setTimeout(() => send(self), KEY_PAUSE)
}

function toggle(self) {
  if (self.timer !== null) {
    stop(self)
    return send(self)
  }
  const last = () => self.data.frames.length - 1
  clearTimeout(self.pause)
  if (self.frame >= last()) go(self, 0)
  self.timer = setInterval(() => {
    go(self, self.frame + 1)
    if (self.frame < last()) return
    stop(self)
    send(self)
  }, self.data.play_ms)
  playing(self)
}

function stop(self) {
  clearInterval(self.timer)
  self.timer = null
  playing(self)
}

function playing(self) {
  const on = self.timer !== null
  self.root.classList.toggle("playing", on)
  self.play.setAttribute("aria-label", on ? "Pause" : "Play")
  self.play.title = on ? "Pause (space)" : "Play (space)"
}

function press(self, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return
  const [here, last] = [self.frame, self.data.frames.length - 1]
  const leap = Math.max(1, Math.round(last / 10))
  const to = { ArrowLeft: here - 1, ArrowDown: here - 1, ArrowRight: here + 1, ArrowUp: here + 1,
    PageDown: here - leap, PageUp: here + leap, Home: 0, End: last }[event.key]
  if (event.key === " ") { if (!event.repeat) toggle(self) } else if (to !== undefined) step(self, to)
  else return
  event.preventDefault()
}

function layOut(self) {
  const { data, area } = self
  const width = area.clientWidth
  if (!width) return // hidden in a tab; the observer calls again
  const stacked = width < STACKED
  area.classList.toggle("stacked", stacked)
  area.style.height = stacked ? "" : `${data.height}px`
  data.panels.forEach((panel, i) => {
    if (self.views[i]?.type !== panel.type) {
      const section = make("section", "panel " + panel.type)
      if (self.views[i]) self.views[i].section.replaceWith(section)
      else area.append(section)
      self.views[i] = { type: panel.type, section, ...PANELS[panel.type](section, self.act) }
    }
    const { style } = self.views[i].section
    style.flexGrow = panel.weight ?? 1
    style.height = stacked ? `${data.height}px` : ""
  })
  for (const view of self.views.splice(data.panels.length)) view.section.remove()
  self.views.forEach((view, i) => view.draw(data.panels[i], self.frame, data.alt))
  go(self, self.frame)
}

// Elements

function make(name, className, text) {
  const element = document.createElement(name)
  if (className) element.className = className
  if (text !== undefined) element.textContent = text
  return element
}

function shape(parent, name, attributes, text) {
  const element = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
  if (text !== undefined) element.textContent = text
  return parent.appendChild(element)
}
