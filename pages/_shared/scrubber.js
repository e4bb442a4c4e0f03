// A picture in panels, with a slider below that scrubs through its frames. See scrubber.py for what it is given.
//
// Streamlit calls the default export at the start and again whenever the data or the theme change. So what belongs to
// one place on the page is kept in a WeakMap, handlers are assigned and not added, and panels redraw what they have.
// Text from Python only ever becomes textContent: names of files and folders are among it.

const STACKED = 640 // px; below this width the panels stand one below the other
const KEY_PAUSE = 300 // ms after the last step until Python hears of it
const SVG = "http://www.w3.org/2000/svg"
const PANELS = { curves, tiles } // a new kind of panel is one function here, and its lengths in scrubber.py's _CHECKS
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
  self.play.onclick = () => toggle(self)
  find(".back").onclick = () => step(self, self.frame - 1)
  find(".on").onclick = () => step(self, self.frame + 1)
  self.slider.onpointerdown = () => grab(self, self.frame)
  self.slider.onpointerup = self.slider.onpointercancel = () => { self.held = false }
  self.slider.oninput = () => { stop(self); go(self, Number(self.slider.value)) }
  self.slider.onchange = () => release(self)
  self.root.onkeydown = event => press(self, event)
  self.root.onkeyup = event => event.key === " " && event.preventDefault() // Firefox clicks a button on keyup
  return self
}

function accept(self, data) {
  const first = !self.data
  const jumped = !first && data.jumps !== self.data.jumps && !self.held
  self.data = data
  self.root.setAttribute("aria-label", data.alt)
  self.slider.max = data.frames.length - 1
  self.slider.setAttribute("aria-label", data.axis)
  self.widest.textContent = reading(data, data.frames.reduce((a, b) => (b.length > a.length ? b : a)))
  if (jumped) stop(self)
  if (first || jumped) self.sent = self.frame = data.at
  layOut(self)
  go(self, self.frame)
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

function grab(self, frame) {
  stop(self)
  self.held = true
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
  const last = self.data.frames.length - 1
  const leap = Math.max(1, Math.round(last / 10))
  const to = { ArrowLeft: self.frame - 1, ArrowDown: self.frame - 1, ArrowRight: self.frame + 1, ArrowUp: self.frame + 1,
    PageDown: self.frame - leap, PageUp: self.frame + leap, Home: 0, End: last }[event.key]
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
    self.views[i].section.style.flexGrow = panel.weight ?? 1
  })
  for (const view of self.views.splice(data.panels.length)) view.section.remove()
  self.views.forEach((view, i) => view.draw(data.panels[i], { stacked, height: data.height, alt: data.alt }))
  go(self, self.frame)
}

// Elements

function make(name, className, text) {
  const element = document.createElement(name)
  if (className) element.className = className
  if (text !== undefined) element.textContent = text
  return element
}

function draw(parent, name, attributes, text) {
  const element = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
  if (text !== undefined) element.textContent = text
  return parent.appendChild(element)
}

// Panel: curves over the frames

function curves(section, act) {
  const head = section.appendChild(make("header"))
  const title = head.appendChild(make("h3"))
  const about = head.appendChild(make("span", "about"))
  const svg = draw(section, "svg", { role: "img" })
  let plot = null
  const frameAt = event => nearest(plot.panel.x, plot.x.invert(event.clientX - svg.getBoundingClientRect().left))
  let dragging = false
  svg.onpointerdown = event => {
    if (event.button) return
    svg.setPointerCapture(event.pointerId)
    dragging = true
    act.grab(frameAt(event))
  }
  svg.onpointermove = event => dragging && act.drag(frameAt(event))
  svg.onpointerup = svg.onpointercancel = () => {
    if (dragging) act.release()
    dragging = false
  }
  return {
    draw(panel, { stacked, height, alt }) {
      title.textContent = panel.title
      // "Test accuracy" and "test accuracy (%)" need not both be said
      const said = (panel.y_title ?? "").toLowerCase().startsWith(panel.title.toLowerCase())
      about.textContent = said ? panel.y_title.slice(panel.title.length).trim() : panel.y_title
      svg.style.height = stacked ? `${Math.min(height, 300)}px` : ""
      const { width, height: tall } = svg.getBoundingClientRect()
      plot = drawCurves(svg, panel, width, tall)
      plot.alt = `${alt} ${panel.title}`
    },
    show: (frame, text) => plot && showCurves(svg, plot, frame, text),
  }
}

function drawCurves(svg, panel, width, height) {
  svg.replaceChildren()
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`)
  const lines = panel.series.map(line => ({ ...line, x: line.x ?? panel.x, unit: unitOf(panel) }))
  const yTicks = ticks(...(panel.y_domain ?? extent(lines, panel.refs)), Math.max(3, Math.round(height / 55)))
  const [low, high] = panel.y_domain ?? [yTicks[0], yTicks.at(-1)]
  const labels = lines.map(line => endLabel(svg, line))
  const gutter = Math.min(0.34 * width, Math.max(0, ...labels.map(label => label.width)) + 20)
  const left = 12 + Math.max(...yTicks.map(tick => 8 * format(tick).length))
  const box = { left, right: width - gutter, top: 10, bottom: height - 44 }
  const x = scale(panel.x[0], panel.x.at(-1), box.left, box.right)
  const y = scale(low, high, box.bottom, box.top)
  const plot = { panel, lines, labels, box, x, y }
  drawAxes(svg, plot, yTicks)
  for (const line of lines) if (line.band) draw(svg, "path", { class: "band", d: bandPath(line, x, y), fill: line.color })
  const refs = (panel.refs ?? []).filter(ref => ref.y >= low && ref.y <= high)
  for (const ref of refs) draw(svg, "path", { class: "ref", d: `M${box.left} ${y(ref.y)}H${box.right}` })
  plot.marker = draw(svg, "path", { class: "marker" })
  for (const line of [...lines].sort((a, b) => !!b.thin - !!a.thin)) {
    draw(svg, "path", { class: line.thin ? "thin line" : "line", d: linePath(line, x, y), style: `--color: ${line.color}` })
  }
  placeRefs(svg, plot, refs)
  placeLabels(svg, plot, gutter)
  plot.dots = lines.map(line => line.thin ? null : draw(svg, "circle", { class: "dot", r: 6, fill: line.color }))
  return plot
}

function drawAxes(svg, { panel, box, x, y }, yTicks) {
  for (const tick of yTicks) {
    if (y(tick) < box.top - 1 || y(tick) > box.bottom + 1) continue
    draw(svg, "path", { class: "grid", d: `M${box.left} ${Math.round(y(tick)) + 0.5}H${box.right}` })
    draw(svg, "text", { class: "tick", x: box.left - 8, y: y(tick) + 5, "text-anchor": "end" }, format(tick))
  }
  const few = panel.x.length <= (box.right - box.left) / 40
  const xTicks = few ? panel.x : ticks(panel.x[0], panel.x.at(-1), Math.round((box.right - box.left) / 90))
  for (const tick of xTicks) {
    if (x(tick) > box.right + 1) continue
    draw(svg, "path", { class: "axis", d: `M${Math.round(x(tick)) + 0.5} ${box.bottom}v5` })
    draw(svg, "text", { class: "tick", x: x(tick), y: box.bottom + 20, "text-anchor": "middle" }, format(tick))
  }
  draw(svg, "path", { class: "axis", d: `M${box.left} ${Math.round(box.bottom) + 0.5}H${box.right}` })
  const middle = (box.left + box.right) / 2
  draw(svg, "text", { class: "tick", x: middle, y: box.bottom + 39, "text-anchor": "middle" }, panel.x_title)
}

function showCurves(svg, plot, frame, text) {
  const { panel, box, x, y } = plot
  const here = panel.x[frame]
  plot.marker.setAttribute("d", `M${x(here)} ${box.top}V${box.bottom}`)
  const values = plot.lines.map((line, i) => {
    const point = valueAt(line, here)
    const value = point ? format(point.y, line.unit) : "–"
    plot.labels[i].value.textContent = value
    if (!line.thin) plot.dots[i].style.display = point ? "" : "none"
    if (!line.thin && point) draw0(plot.dots[i], x(point.x), y(point.y))
    return `${line.name} ${value}`
  })
  svg.setAttribute("aria-label", `${plot.alt}, ${text}: ${values.join(", ")}`)
}

function draw0(dot, cx, cy) {
  dot.setAttribute("cx", cx)
  dot.setAttribute("cy", cy)
}

// A series' value at x: between its points on the line, after the last point that one; null before the first.
function valueAt({ x, y }, here) {
  let before = null
  for (let i = 0; i < x.length; i++) {
    if (y[i] == null) continue
    if (x[i] >= here && before === null) return x[i] === here ? { x: here, y: y[i] } : null
    if (x[i] >= here) return { x: here, y: y[before] + (y[i] - y[before]) * (here - x[before]) / (x[i] - x[before]) }
    before = i
  }
  return before === null ? null : { x: x[before], y: y[before] }
}

function endLabel(svg, line) {
  const group = draw(svg, "g", { class: line.thin ? "thin label" : "label", style: `--color: ${line.color}` })
  const name = draw(group, "text", { class: "name" }, line.name)
  const value = draw(group, "text", { class: "value" }, format(widest(line.y), line.unit))
  const [a, b] = [name.getComputedTextLength(), value.getComputedTextLength()]
  const last = line.y.findLast(number => number != null)
  return { group, name, value, last, width: line.thin ? a + b + 6 : Math.max(a, b), tall: line.thin ? 16 : 40, thin: line.thin }
}

function placeLabels(svg, { labels, box, y }, gutter) {
  const shown = labels.filter(label => label.last !== undefined)
  for (const label of shown) label.wish = y(label.last)
  spread(shown, box.top, box.bottom + 12)
  for (const label of labels) svg.append(label.group) // on top of the lines
  for (const label of shown) {
    const x = box.right + 16
    shorten(label.name, gutter - 16 - (label.thin ? label.value.getComputedTextLength() + 6 : 0))
    const [name, value] = label.thin ? [4, 4] : [-5, 15]
    label.name.setAttribute("x", x)
    label.name.setAttribute("y", label.y + name)
    label.value.setAttribute("x", label.thin ? x + label.name.getComputedTextLength() + 6 : x)
    label.value.setAttribute("y", label.y + value)
    draw(label.group, "path", { class: "leader", d: `M${box.right + 3} ${label.wish}L${x - 4} ${label.y}` })
  }
}

// Move labels apart, as little as possible: down from the top where they touch, then up from the bottom.
function spread(labels, top, bottom) {
  labels.sort((a, b) => a.wish - b.wish)
  let floor = top
  for (const label of labels) {
    label.y = Math.max(label.wish, floor + label.tall / 2)
    floor = label.y + label.tall / 2
  }
  let ceiling = bottom
  for (const label of [...labels].reverse()) {
    label.y = Math.min(label.y, ceiling - label.tall / 2)
    ceiling = label.y - label.tall / 2
  }
}

// A reference's label stands on its line: at the right end if the curves leave room there, else where they cross least.
function placeRefs(svg, { box, x, y, lines }, refs) {
  const taken = []
  for (const ref of refs) {
    const text = draw(svg, "text", { class: "reflabel" }, ref.label)
    const width = text.getComputedTextLength()
    const places = [box.right - width - 4, box.left + 6].flatMap(left => [-20, 4].map(top => {
      const place = { left, right: left + width, top: y(ref.y) + top, bottom: y(ref.y) + top + 16 }
      return { ...place, cost: crowd(place, lines, x, y) + 100 * taken.filter(other => touch(place, other)).length
        + (place.top < 0 || place.bottom > box.bottom ? 50 : 0) }
    }))
    const best = places.reduce((a, b) => (b.cost < a.cost ? b : a))
    taken.push(best)
    text.setAttribute("x", best.left)
    text.setAttribute("y", best.bottom - 3)
  }
}

const touch = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom

function crowd(place, lines, x, y) {
  let count = 0
  for (let px = place.left; px <= place.right; px += 4) {
    for (const line of lines) {
      const point = valueAt(line, x.invert(px))
      if (point && y(point.y) > place.top - 2 && y(point.y) < place.bottom + 2) count++
    }
  }
  return count
}

function shorten(text, width) {
  const full = text.textContent
  for (let n = full.length - 1; n > 0 && text.getComputedTextLength() > width; n--) text.textContent = full.slice(0, n).trim() + "…"
  if (text.textContent !== full) draw(text, "title", {}, full)
}

function linePath({ x: xs, y: ys }, x, y) {
  let pen = "M"
  let path = ""
  xs.forEach((value, i) => {
    if (ys[i] == null) return (pen = "M")
    path += `${pen}${x(value).toFixed(1)} ${y(ys[i]).toFixed(1)}`
    pen = "L"
  })
  return path
}

function bandPath({ x: xs, band }, x, y) {
  const known = xs.map((value, i) => [value, ...(band[i] ?? [null, null])]).filter(row => row[1] != null && row[2] != null)
  const points = [...known.map(row => [row[0], row[2]]), ...known.reverse().map(row => [row[0], row[1]])]
  return points.length ? "M" + points.map(([a, b]) => `${x(a).toFixed(1)} ${y(b).toFixed(1)}`).join("L") + "Z" : ""
}

function scale(from, to, start, end) {
  const factor = (end - start) / (to - from || 1)
  return Object.assign(value => start + (value - from) * factor, { invert: pixel => from + (pixel - start) / factor })
}

const nearest = (xs, x) => xs.reduce((best, value, i) => (Math.abs(value - x) < Math.abs(xs[best] - x) ? i : best), 0)
const widest = ys => ys.reduce((a, b) => (Math.abs(b ?? 0) > Math.abs(a) ? b : a), 0)
const unitOf = panel => /\(([^()]*)\)\s*$/.exec(panel.y_title ?? "")?.[1] ?? ""

function extent(lines, refs) {
  const all = [...lines.flatMap(line => [...line.y, ...(line.band ?? []).flat()]), ...(refs ?? []).map(ref => ref.y)]
  const known = all.filter(value => value != null)
  return known.length ? [Math.min(...known), Math.max(...known)] : [0, 1]
}

// Round numbers around [low, high], about `count` of them.
function ticks(low, high, count) {
  const rough = (high - low || 1) / count
  const power = 10 ** Math.floor(Math.log10(rough))
  const size = power * [1, 2, 5, 10].find(factor => factor * power >= rough * 0.999)
  const first = Math.floor(low / size + 1e-9)
  const steps = Math.ceil(high / size - 1e-9) - first
  return Array.from({ length: steps + 1 }, (_, i) => Number(((first + i) * size).toPrecision(12)))
}

// Ticks come as they are; with a unit, or as a measured value: per cent to one decimal, others to three figures.
function format(value, unit) {
  const rounded = unit === undefined ? String(value) : unit === "%" ? value.toFixed(1)
    : Math.abs(value) >= 1000 ? value.toFixed(0) : value.toPrecision(3)
  const [whole, part] = rounded.replace("-", "−").split(".")
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, "\u202f")
  return (part ? `${grouped}.${part}` : grouped) + (unit ? `\u202f${unit}` : "")
}

// Panel: small pictures with what each side says about them

function tiles(section) {
  const head = section.appendChild(make("header"))
  const title = head.appendChild(make("h3"))
  const counts = head.appendChild(make("span", "about"))
  const grid = section.appendChild(make("div", "grid"))
  grid.setAttribute("role", "list")
  let panel = null
  return {
    draw(next, { stacked }) {
      panel = next
      title.textContent = panel.title
      const sides = Object.keys(panel.names)
      counts.replaceChildren(...sides.map(side => count(side, panel.names[side])))
      while (grid.children.length > panel.count) grid.lastChild.remove()
      while (grid.children.length < panel.count) grid.append(tile())
      Array.from(grid.children).forEach((element, i) => fillTile(element, panel, i, sides))
      arrange(grid, panel, sides.length, stacked)
    },
    show(frame) {
      for (const [i, side] of Object.keys(panel.names).entries()) {
        const row = panel.verdicts[side]?.[frame]
        Array.from(grid.children).forEach((element, n) => say(element.querySelectorAll(".said")[i], row?.[n]))
        const right = row ? row.filter(verdict => verdict?.ok).length : "–"
        counts.children[i].lastChild.textContent = `${right} of ${panel.count} right`
      }
    },
  }
}

function count(side, name) {
  const element = make("span", "count")
  element.title = name
  element.append(chip(side), make("span"))
  return element
}

const chip = side => make("span", `chip ${side}`, side)

function tile() {
  const element = make("div", "tile")
  element.setAttribute("role", "listitem")
  element.append(make("div", "picture"), make("div", "words"))
  return element
}

function fillTile(element, panel, i, sides) {
  const [picture, words] = element.children
  const rows = Math.ceil(panel.count / panel.cols)
  const share = (index, of) => (of > 1 ? (100 * index) / (of - 1) : 0)
  const image = `url(${JSON.stringify(panel.sprite)})`
  if (picture.dataset.image !== image) picture.style.backgroundImage = picture.dataset.image = image
  picture.style.backgroundSize = `${100 * panel.cols}% ${100 * rows}%`
  picture.style.backgroundPosition = `${share(i % panel.cols, panel.cols)}% ${share(Math.floor(i / panel.cols), rows)}%`
  const truth = make("div", "truth", panel.truth[i])
  truth.title = panel.truth[i]
  words.replaceChildren(truth, ...sides.map(side => {
    const said = make("div", "said")
    said.append(chip(side), make("span", "what"), make("span", "sure"), make("span", "mark"))
    return said
  }))
}

function say(element, verdict) {
  const [, what, sure, mark] = element.children
  element.classList.toggle("wrong", !verdict?.ok)
  what.textContent = what.title = verdict ? verdict.label : "–"
  sure.textContent = verdict?.p == null ? "" : `${Math.round(100 * verdict.p)}\u202f%`
  mark.textContent = verdict ? (verdict.ok ? "✓" : "✗") : ""
}

// Beside or below its words, in how many columns? The largest pictures that leave the words room win.
function arrange(grid, panel, sides, stacked) {
  const gap = 10
  const { width, height } = grid.getBoundingClientRect()
  const text = 18 * (1 + sides)
  let best = { score: -1 }
  for (let cols = 1; cols <= panel.count; cols++) {
    const rows = Math.ceil(panel.count / cols)
    const w = (width - gap * (cols - 1)) / cols
    const h = stacked ? Infinity : (height - gap * (rows - 1)) / rows
    const below = { cols, beside: false, size: Math.min(w, h - text), room: w }
    const beside = { cols, beside: true, size: h < text ? 0 : Math.min(h, w / 2, 120), room: 0 }
    beside.room = w - beside.size - 8
    for (const way of [below, beside]) {
      way.score = Math.min(way.size, 160) * Math.min(1, way.room / 116) ** 2 
      if (way.score > best.score) best = way
    }
  }
  grid.classList.toggle("beside", best.beside)
  grid.style.gridTemplateColumns = `repeat(${best.cols}, minmax(0, 1fr))`
  grid.style.setProperty("--size", `${Math.floor(best.size)}px`)
}
