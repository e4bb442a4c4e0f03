// A picture in panels, with a slider below that scrubs through its frames. See scrubber.py for what it is given.
//
// Streamlit calls the default export at the start and again whenever the data or the theme change. So what belongs to
// one place on the page is kept in a WeakMap, handlers are assigned and not added, and panels redraw what they have.
// Text from Python only ever becomes textContent: names of files and folders are among it.
//
// scrubber.py puts this file and those of the panels, scrubber_*.js, together as one module.

const STACKED = 640 // px; below this width the panels stand one below the other
const TALLEST = 0.375 // of their width, where panels grow with the window

// A new kind of panel is one function here, in a file of its own, and a check of its lengths in scrubber.py. It is
// called once with its <section>, and returns draw(panel, frame, alt), called for new data and new sizes, and
// show(frame, text), called for each frame.
const PANELS = { curves, tiles, maps, sheets, bars, stack }
const instances = new WeakMap()

export default function ({ parentElement, data, setStateValue, setTriggerValue }) {
  let self = instances.get(parentElement)
  if (!self) instances.set(parentElement, (self = create(parentElement)))
  self.tell = frame => setStateValue("frame", [frame, Date.now()]) // the time tells equal moves apart
  self.point = what => setTriggerValue("pick", what)
  accept(self, told(data))
  return () => {
    stop(self)
    forget(self)
    self.observer.disconnect()
    removeEventListener("resize", self.resized)
    instances.delete(parentElement)
  }
}

// One scrubber: `frame` is shown, `sent` is what Python knows, `timer` runs while playing, `held` while dragging.

function create(parent) {
  const find = name => parent.querySelector(name)
  const self = { root: find(".scrubber"), area: find(".panels"), slider: find("input"), play: find(".play"),
    now: find(".now"), widest: find(".widest"), views: [], frame: 0, sent: 0, timer: null, pause: null, held: false }
  self.act = { grab: frame => grab(self, frame), drag: frame => go(self, frame), release: () => release(self),
    pick: what => { stop(self); send(self); self.point([...what, self.frame]) } }
  self.observer = new ResizeObserver(() => self.data && layOut(self))
  self.observer.observe(self.root)
  self.resized = () => self.data?.rest && layOut(self)
  addEventListener("resize", self.resized)
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
  self.slider.max = data.frames.length - 1
  self.slider.setAttribute("aria-label", data.axis)
  self.widest.textContent = reading(data, data.frames.reduce((a, b) => (b.length > a.length ? b : a)))
  if (jumped) self.sent = data.at
  if (jumped && !self.held) {
    stop(self)
    self.frame = data.at
  }
  if (data.live && atEnd && !jumped && !self.held) self.frame = self.sent = data.frames.length - 1 // new frames follow
  self.frame = Math.min(self.frame, data.frames.length - 1)
  layOut(self)
  if (jumped && data.play && self.timer === null) toggle(self)
}

// What the rest of the page leaves of the window goes to the panels, where the page says how much the rest needs.
const heightOf = (data, width) =>
  Math.max(data.rest ? least(data.height) : data.height, data.rest ? Math.min(left(data.rest), TALLEST * width) : 0)

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
  forget(self)
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
  soon(self, send)
}

function toggle(self) {
  if (self.timer !== null) {
    stop(self)
    return send(self)
  }
  const last = () => self.data.frames.length - 1
  forget(self)
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
  const height = heightOf(data, width)
  area.classList.toggle("stacked", stacked)
  area.style.height = stacked ? "" : `${height}px`
  fill(area, self.views, data.panels, self.act)
  self.views.forEach(({ section: { style } }) => (style.height = stacked ? `${data.height}px` : ""))
  self.root.style.minHeight = `${(stacked ? data.height : height) + (data.frames.length === 1 ? 0 : 48)}px`
  self.views.forEach((view, i) => view.draw(data.panels[i], self.frame, data.alt))
  go(self, self.frame)
}

// A section for each panel; those that are there stay.
function fill(area, views, panels, act) {
  panels.forEach((panel, i) => {
    if (views[i]?.type !== panel.type) {
      const section = make("section", "panel " + panel.type)
      if (views[i]) views[i].section.replaceWith(section)
      else area.append(section)
      views[i] = { type: panel.type, section, ...PANELS[panel.type](section, act) }
    }
    views[i].section.style.flexGrow = panel.weight ?? 1
  })
  for (const view of views.splice(panels.length)) view.section.remove()
}

// Panel: others, one above the other

function stack(section, act) {
  const views = []
  return {
    draw(panel, frame, alt) {
      fill(section, views, panel.panels, act)
      views.forEach((view, i) => view.draw(panel.panels[i], frame, alt))
    },
    show: (frame, text) => views.forEach(view => view.show(frame, text)),
  }
}
