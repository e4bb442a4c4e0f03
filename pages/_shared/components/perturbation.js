// Image, perturbation, what the network sees, and what it says: see perturbation.py for what it is given.
//
// Streamlit calls the default export at the start and again whenever the data or the theme change. What belongs to one
// place on the page is kept in a WeakMap, and handlers are assigned, not added. Text from Python only ever becomes
// textContent. perturbation.py puts packing.js, scrubber_elements.js and perturbation_drawing.js before this file, as one
// module.

const STACKED = 640 // px; below this width everything stands one below the other
const TALLEST = 0.3 // of the width, where the picture grows with the window
const FRAME = 450 // ms that a step stays while playing
const [END, RADIX, KINDS] = [1023, 1024, 3] // of a place's code, as in perturbation.py
const HEAD = 26 // px of a line of words over the pictures
const instances = new WeakMap()
const remembered = new Map() // key → the last place, for a picture that the page puts elsewhere

export default function ({ parentElement, data, setStateValue }) {
  let self = instances.get(parentElement)
  if (!self) instances.set(parentElement, (self = create(parentElement)))
  self.tell = code => setStateValue("place", [code, Date.now()])
  accept(self, told(data))
  return () => {
    stop(self)
    forget(self)
    self.observer.disconnect()
    removeEventListener("resize", self.resized)
    instances.delete(parentElement)
  }
}

// One picture: target, step, map and own are shown, `sent` is the place that Python knows, `timer` runs while playing

function create(parent) {
  const find = name => parent.querySelector(name)
  const self = { root: find(".attack"), stage: find(".stage"), area: find(".rows"), origin: find(".origin"),
    image: find(".origin > canvas"), caption: find(".caption"), choice: find(".choice"), legend: find(".legend"),
    own: find(".own input"), told: find(".told"), aim: find(".aim .name"), ticks: find(".ticks"),
    targets: find("input.target"), steps: find("input.step"), play: find(".play"), now: find(".now"),
    widest: find(".widest"), rows: [], data: null, target: 0, step: 0, map: 0, sent: 0, timer: null, pause: null,
    held: false }
  self.observer = new ResizeObserver(() => self.data && layOut(self))
  self.observer.observe(self.root)
  self.resized = () => self.data && layOut(self)
  addEventListener("resize", self.resized)
  document.fonts?.ready.then(() => self.data && layOut(self))
  self.play.onclick = () => toggle(self)
  find(".back").onclick = () => go(self, { step: self.step - 1 }, true)
  find(".on").onclick = () => go(self, { step: self.step + 1 }, true)
  drags(self, self.targets, target => ({ target }))
  drags(self, self.steps, step => ({ step }))
  self.own.onchange = () => go(self, {}, true)
  self.root.onkeydown = event => press(self, event)
  return self
}

function drags(self, slider, change) {
  slider.onpointerdown = event => { if (!event.button) self.held = true }
  slider.oninput = () => {
    stop(self)
    go(self, change(Number(slider.value)))
  }
  slider.onpointerup = slider.onpointercancel = slider.onchange = () => {
    self.held = false
    send(self)
  }
}

function accept(self, data) {
  const jumped = data.jumps !== self.data?.jumps // the first data, too
  const atEnd = self.data && self.step === self.data.steps
  if (self.data?.about !== data.about) self.rows = data.rows.map(unpack)
  const first = !self.data
  self.data = data
  self.root.setAttribute("aria-label", data.alt)
  const kept = remembered.get(data.key)
  if (jumped && !self.held) {
    stop(self)
    place(self, first && kept?.jumps === data.jumps ? kept.code : data.at)
  } else if (atEnd) self.step = data.steps
  if (jumped) self.sent = codeOf(self)
  self.target = Math.min(self.target, data.targets.length - 1)
  self.step = Math.min(self.step, data.steps)
  self.targets.max = data.targets.length - 1
  self.targets.setAttribute("aria-label", "Target")
  self.steps.max = data.steps
  self.steps.setAttribute("aria-label", "Step")
  self.widest.textContent = `Step ${data.steps} of ${data.steps}`
  self.caption.textContent = self.caption.title = data.caption
  self.choice.replaceChildren(...data.maps.map((name, i) => {
    const button = make("button", "", name)
    button.type = "button"
    button.onclick = () => go(self, { map: i }, true)
    return button
  }))
  self.ticks.replaceChildren(...data.targets.map(({ label, k }, i) => {
    const tick = make("span", "", label)
    tick.title = goalOf(data, k)
    tick.onclick = () => go(self, { target: i }, true)
    return tick
  }))
  layOut(self)
}

const goalOf = (data, k) => (k < 0 ? `any class but ${data.classes[data.away]}` : data.classes[k])

// A place as one number, as in perturbation.py

const codeOf = ({ data, target, step, map, own }) =>
  ((Number(own.checked) * KINDS + map) * RADIX + target) * RADIX + (step === data.steps ? END : step)

function place(self, code) {
  const [step, rest] = [code % RADIX, Math.floor(code / RADIX)]
  const kind = Math.floor(rest / RADIX)
  self.step = step === END ? self.data.steps : step
  self.target = rest % RADIX
  self.map = kind % KINDS
  self.own.checked = kind >= KINDS
}

// Data

function unpack(row) {
  const image = bytes(row.image)
  return { ...row, image, size: image.length, delta: new Int8Array(bytes(row.delta).buffer),
    gradient: row.gradient ? new Int8Array(bytes(row.gradient).buffer) : null,
    p: new Float32Array(bytes(row.p).buffer), figures: new Float32Array(bytes(row.figures).buffer) }
}

// Where a row's numbers of a target begin, counted in points
const pointOf = (row, target, step) => row.of[target] * row.s + Math.min(step, row.s - 1)

function sharesOf(self, row, target, step) {
  const k = self.data.classes.length
  return row.p.subarray(pointOf(row, target, step) * k, (pointOf(row, target, step) + 1) * k)
}

const called = shares => shares.reduce((best, p, k) => (p > shares[best] ? k : best), 0)

function reached(self, row, target) { // the first step with success, or −1
  const goal = self.data.targets[target].k
  for (let step = 0; step < row.s; step++) {
    const k = called(sharesOf(self, row, target, step))
    if (goal < 0 ? k !== self.data.away : k === goal) return step
  }
  return -1
}

// Moves

function go(self, change, tells = false) {
  if (tells) stop(self)
  Object.assign(self, change)
  self.step = Math.min(Math.max(self.step, 0), self.data.steps)
  self.target = Math.min(Math.max(self.target, 0), self.data.targets.length - 1)
  show(self)
  if (!tells) return
  soon(self, send)
}

function send(self) {
  forget(self)
  const code = codeOf(self)
  if (code === self.sent) return
  self.sent = code
  self.tell(code)
}

function toggle(self) {
  if (self.timer !== null) {
    stop(self)
    return send(self)
  }
  forget(self)
  if (self.step >= self.data.steps) go(self, { step: 0 })
  self.timer = setInterval(() => {
    go(self, { step: self.step + 1 })
    if (self.step < self.data.steps) return
    stop(self)
    send(self)
  }, FRAME)
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
  if (event.ctrlKey || event.metaKey || event.altKey || event.target === self.own) return
  const onTarget = event.target === self.targets
  const digit = self.data.targets.findIndex(({ label }) => label === event.key)
  const along = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
  const across = { ArrowDown: -1, ArrowUp: 1 }[event.key]
  if (event.key === " " && event.target.tagName !== "BUTTON") { if (!event.repeat) toggle(self) }
  else if (digit >= 0) go(self, { target: digit }, true)
  else if (across || (along && onTarget)) go(self, { target: self.target + (across ?? along) }, true)
  else if (along) go(self, { step: self.step + along }, true)
  else if (event.key === "Home") go(self, onTarget ? { target: 0 } : { step: 0 }, true)
  else if (event.key === "End") go(self, onTarget ? { target: Infinity } : { step: Infinity }, true)
  else return
  event.preventDefault()
}

// Places of everything

function layOut(self) {
  const { root, data, stage } = self
  const width = root.clientWidth
  if (!width) return // hidden in a tab; the observer calls again
  const stacked = width < STACKED
  const height = Math.max(least(data.height), Math.min(left(data.rest), TALLEST * width))
  const count = data.rows.length
  const size = stacked ? Math.floor((width - 34) / 2) : Math.floor(Math.max(140, Math.min((width - 620) / 3, (height - 12) / count - HEAD)))
  root.classList.toggle("narrow", stacked)
  stage.style.setProperty("--size", `${size}px`)
  root.style.minHeight = stacked ? "" : `${height + 56}px`
  stage.style.height = stacked ? "" : `${height}px`
  if (self.area.children.length !== count) self.area.replaceChildren(...data.rows.map(() => newRow(self)))
  self.rows.forEach((row, i) => fillRow(self, row, self.area.children[i].parts, i))
  self.steps.parentElement.classList.toggle("still", !data.steps)
  paintImage(self.image, self.rows[0], j => self.rows[0].image[j])
  self.image.setAttribute("aria-label", data.caption)
  show(self)
}

function newRow(self) {
  const root = make("section", "side")
  const head = root.appendChild(make("header"))
  const [chip, title, verdict, about] = ["chip", "who", "verdict", "about"].map(name => head.appendChild(make("span", name)))
  const line = root.appendChild(make("div", "line-up"))
  line.append(make("span", "sign", "+"))
  const frame = line.appendChild(make("div", "frame"))
  const map = frame.appendChild(make("canvas", "map"))
  const tag = frame.appendChild(make("span", "tag"))
  line.append(make("span", "sign", "="))
  const seen = line.appendChild(make("canvas", "seen"))
  const bars = shape(line, "svg", { class: "bars-of", role: "img" })
  const lines = shape(line, "svg", { class: "lines-of", role: "img" })
  for (const canvas of [map, seen]) canvas.setAttribute("role", "img")
  let dragging = false
  lines.onpointerdown = event => {
    if (event.button || !self.data.steps) return
    lines.setPointerCapture(event.pointerId)
    dragging = true
    stop(self)
    go(self, { step: stepAt(root.parts, event, self) })
  }
  lines.onpointermove = event => dragging && go(self, { step: stepAt(root.parts, event, self) })
  lines.onpointerup = lines.onpointercancel = () => {
    if (dragging) send(self)
    dragging = false
  }
  root.parts = { root, chip, title, verdict, about, map, tag, seen, bars, lines }
  return root
}

function stepAt(parts, event, self) {
  const { left } = parts.lines.getBoundingClientRect()
  return Math.round((event.clientX - left - parts.box.left) / (parts.box.right - parts.box.left) * self.data.steps)
}

function fillRow(self, row, parts, i) {
  parts.root.dataset.side = row.side
  parts.chip.className = `chip ${row.side}`
  parts.chip.textContent = row.side
  parts.title.textContent = parts.title.title = row.title
  drawBarsOf(self, parts, i)
  drawLinesOf(self, parts)
}

// What is shown now

function show(self) {
  const { data, target, step } = self
  if (!self.area.children.length) return
  remembered.set(data.key, { jumps: data.jumps, code: codeOf(self) })
  const aim = data.targets[target]
  self.rows.forEach((row, i) => showRow(self, row, self.area.children[i].parts, aim))
  self.aim.textContent = aim.k < 0 ? "Away" : "Target"
  self.targets.value = target
  self.targets.setAttribute("aria-valuetext", goalOf(data, aim.k))
  self.targets.style.setProperty("--done", target / Math.max(1, data.targets.length - 1))
  Array.from(self.ticks.children).forEach((tick, i) => tick.classList.toggle("chosen", i === target))
  self.steps.value = step
  self.steps.style.setProperty("--done", data.steps ? step / data.steps : 1)
  self.now.textContent = `Step ${step} of ${data.steps}`
  self.steps.setAttribute("aria-valuetext", self.now.textContent)
  Array.from(self.choice.children).forEach((button, i) => button.setAttribute("aria-pressed", i === self.map))
}

function showRow(self, row, parts, aim) {
  const { data, target, step } = self
  const point = pointOf(row, target, step)
  const shares = sharesOf(self, row, target, step)
  const k = called(shares)
  const map = mapOf(self, row, point)
  paintMap(parts.map, row, map.value)
  parts.tag.hidden = self.map === 0 || !!row.gradient
  parts.tag.textContent = `the perturbation; ${row.side} followed no gradient`
  paintImage(parts.seen, row, j => row.image[j] + (255 / 127) * row.most * row.delta[point * row.size + j])
  parts.verdict.textContent = `${data.classes[k]}, ${percent(shares[k])}`
  const turned = aim.k < 0 ? k !== data.away : k === aim.k && reached(self, row, target) > 0 // and not so all along
  parts.verdict.classList.toggle("hit", turned)
  parts.map.setAttribute("aria-label", `${row.side}: ${data.maps[row.gradient ? self.map : 0]}, step ${step}`)
  parts.seen.setAttribute("aria-label", `${row.side}: what the network sees, step ${step}`)
  showBarsOf(self, parts, shares, `${row.side} ${row.title}`)
  showLinesOf(self, row, parts)
  const [linf, l2, clipped] = row.figures.subarray(3 * point, 3 * point + 3)
  const said = [`L∞ ${figure(linf)}`, `L2 ${figure(l2)}`, `${percent(clipped)} clipped`, outcome(self, row, aim)]
  parts.about.textContent = said.join(" · ")
  if (row === self.rows[0]) showScale(self, row, map)
}

function outcome(self, row, aim) {
  const { data, target } = self
  const first = reached(self, row, target)
  const [name, last] = [aim.k < 0 ? data.classes[data.away] : data.classes[aim.k], row.s - 1]
  if (aim.k >= 0 && first === 0) return `${name} from the start: nothing to turn`
  if (first < 0) return aim.k < 0 ? `still ${name} after ${last}` : `not ${name} within ${last} steps`
  return `${aim.k < 0 ? `no longer ${name}` : name} after step ${first}`
}

function showScale(self, row, map) {
  const kind = row.gradient ? self.map : 0
  const [low, , high] = self.legend.querySelector(".ends").children
  const open = kind === 1 && !self.own.checked // what is beyond has the colour of the end
  low.textContent = kind === 2 ? "down" : `${open ? "≤ " : ""}−${figure(map.end)}`
  high.textContent = kind === 2 ? "up" : `${open ? "≥ " : ""}+${figure(map.end)}`
  const strip = self.legend.querySelector("canvas")
  const context = strip.getContext("2d")
  const bench = context.createImageData(61, 1)
  for (let i = 0; i < 61; i++) {
    const value = i / 30 - 1
    if (row.c === 3) bench.data.set([127.5 + 127.5 * value, 127.5 + 127.5 * value, 127.5 + 127.5 * value], 4 * i)
    else signed(bench.data, i, kind === 2 ? Math.sign(Math.round(1.5 * value)) : value)
    bench.data[4 * i + 3] = 255
  }
  context.putImageData(bench, 0, 0)
  self.told.textContent = self.own.checked && kind < 2
    ? "As in the course: a map of 0.001 now looks as strong as one of 1."
    : ["What was added.", "Of the loss, by the pixels; one scale for all.", "All that a step under L∞ uses of the gradient."][kind]
}

// Words

const figure = value => String(Number(value.toPrecision(3)))

// "100" is left to those that are: 0.996 is 99.6
const number = p => (p >= 0.995 && p < 1 ? (Math.floor(1000 * p) / 10).toFixed(1) : String(Math.round(100 * p)))
const percent = p => `${number(p)}\u202f%`
