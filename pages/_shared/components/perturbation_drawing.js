// What perturbation.js draws: ten bars, every class along the steps, and pictures pixel by pixel.

const [NEGATIVE, POSITIVE] = [[31, 97, 158], [199, 80, 0]] // ends of the signed scale, as in core/images/drawing.py
const NUMBERED = 0.005 // a bar of this share and more says its number

// Ten bars

function drawBarsOf(self, parts) {
  const { data } = self
  const svg = parts.bars
  svg.replaceChildren()
  const { width, height } = svg.getBoundingClientRect()
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`)
  const long = data.classes.some(name => name.length > 2)
  const box = { top: 16, bottom: height - (long ? 54 : 24) }
  const room = width / data.classes.length
  const middle = k => (k + 0.5) * room
  parts.bar = data.classes.map((_, k) => shape(svg, "rect", { x: middle(k) - 0.36 * room, width: 0.72 * room, rx: 2, fill: data.colors[k] }))
  parts.number = data.classes.map((_, k) => shape(svg, "text", { class: "number", x: middle(k), "text-anchor": "middle" }))
  shape(svg, "path", { class: "axis", d: `M0 ${Math.round(box.bottom) + 0.5}H${width}` })
  parts.badge = data.classes.map((_, k) => shape(svg, "rect", { class: "badge", rx: 4, x: middle(k) - Math.min(12, 0.48 * room), y: box.bottom + 4, width: Math.min(24, 0.96 * room), height: 19 }))
  parts.name = data.classes.map((name, k) => long
    ? shape(svg, "text", { class: "name long", transform: `translate(${middle(k) + 5} ${box.bottom + 12}) rotate(-52)`, "text-anchor": "end" }, name)
    : shape(svg, "text", { class: "name", x: middle(k), y: box.bottom + 19, "text-anchor": "middle" }, name))
  parts.long = long
  parts.barBox = box
}

function showBarsOf(self, parts, shares, who) {
  const { top, bottom } = parts.barBox
  const { data } = self
  const goal = data.targets[self.target].k
  shares.forEach((p, k) => {
    const height = Math.max(0, p * (bottom - top))
    parts.bar[k].setAttribute("y", bottom - height)
    parts.bar[k].setAttribute("height", height)
    parts.number[k].setAttribute("y", bottom - height - 4)
    parts.number[k].textContent = p >= NUMBERED ? number(p) : ""
    const mark = k === goal ? " goal" : k === data.truth ? " truth" : ""
    parts.badge[k].setAttribute("class", `badge${parts.long ? " off" : mark}`)
    parts.name[k].setAttribute("class", `name${parts.long ? " long" : ""}${mark}`)
  })
  parts.bars.setAttribute("aria-label", `${who}: ${Array.from(shares, (p, k) => `${data.classes[k]} ${percent(p)}`).join(", ")}`)
}

// Every class along the steps

function drawLinesOf(self, parts) {
  const { data } = self
  const svg = parts.lines
  svg.replaceChildren()
  const { width, height } = svg.getBoundingClientRect()
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`)
  const gutter = Math.min(0.3 * width, 14 + 8 * Math.max(...data.classes.map(name => name.length)))
  const box = { left: 46, right: width - gutter, top: 8, bottom: height - 22 }
  const x = step => box.left + (data.steps ? step / data.steps : 1) * (box.right - box.left)
  const y = p => box.bottom - p * (box.bottom - box.top)
  for (const p of [0, 0.5, 1]) {
    shape(svg, "path", { class: "grid", d: `M${box.left} ${Math.round(y(p)) + 0.5}H${box.right}` })
    shape(svg, "text", { class: "tick", x: box.left - 6, y: y(p) + 5, "text-anchor": "end" }, `${100 * p}\u202f%`)
  }
  const every = Math.max(1, Math.ceil(data.steps * 30 / Math.max(1, box.right - box.left)))
  for (let step = 0; step <= data.steps; step += every) {
    shape(svg, "text", { class: "tick", x: x(step), y: height - 5, "text-anchor": "middle" }, step || "step 0")
  }
  parts.marker = shape(svg, "path", { class: "marker" })
  parts.line = data.classes.map((_, k) => shape(svg, "path", { class: "line", style: `--color: ${data.colors[k]}` }))
  parts.dot = data.classes.map((_, k) => shape(svg, "circle", { class: "dot", r: 4, fill: data.colors[k] }))
  parts.end = data.classes.map((name, k) => shape(svg, "text", { class: "end", style: `--color: ${data.colors[k]}` }, name))
  Object.assign(parts, { box, x, y, drawn: null })
}

function showLinesOf(self, row, parts) {
  const { data, target, step } = self
  const { x, y, box } = parts
  const goal = data.targets[target].k
  if (parts.drawn !== target) {
    parts.drawn = target
    const all = Array.from({ length: row.s }, (_, s) => sharesOf(self, row, target, s))
    parts.line.forEach((line, k) => {
      line.setAttribute("d", all.map((shares, s) => `${s ? "L" : "M"}${x(s).toFixed(1)} ${y(shares[k]).toFixed(1)}`).join(""))
      line.setAttribute("class", `line${k === goal || k === data.truth ? "" : " thin"}`)
    })
    const last = all.at(-1)
    const named = [...last.keys()].filter(k => last[k] >= 0.06).sort((a, b) => last[b] - last[a])
    parts.lines.setAttribute("aria-label", `Along the steps, ends with ${named.map(k => `${data.classes[k]} ${percent(last[k])}`).join(", ")}`)
    let above = -Infinity
    parts.end.forEach(text => (text.textContent = ""))
    for (const k of named) { // from above; those that would touch go below
      above = Math.max(y(last[k]) + 5, above + 15)
      const text = parts.end[k]
      text.textContent = above > box.bottom + 8 ? "" : data.classes[k]
      text.setAttribute("x", box.right + 8)
      text.setAttribute("y", above)
    }
  }
  const here = Math.min(step, row.s - 1)
  const shares = sharesOf(self, row, target, here)
  parts.marker.setAttribute("d", `M${x(here)} ${box.top}V${box.bottom}`)
  parts.dot.forEach((dot, k) => {
    dot.setAttribute("cx", x(here))
    dot.setAttribute("cy", y(shares[k]))
    dot.setAttribute("visibility", shares[k] >= 0.02 ? "visible" : "hidden")
  })
}

// Pictures

const workbenches = new Map() // side → ImageData

// `value(j)` is the grey level of a pixel, or of one of its three channels
function paintImage(canvas, row, value) {
  paint(canvas, row.px, (pixels, i, j) => {
    for (let c = 0; c < 3; c++) pixels[4 * i + c] = value(row.c === 3 ? j + c * row.px ** 2 : j)
  })
}

function paint(canvas, side, fill) {
  if (canvas.width !== side) canvas.width = canvas.height = side
  const context = canvas.getContext("2d")
  if (!workbenches.has(side)) workbenches.set(side, context.createImageData(side, side))
  const bench = workbenches.get(side)
  for (let i = 0; i < side * side; i++) {
    fill(bench.data, i, i)
    bench.data[4 * i + 3] = 255
  }
  context.putImageData(bench, 0, 0)
}

// Orange is up, blue is down, white is nothing; in colour images each channel is up or down from grey
function paintMap(canvas, row, value) {
  paint(canvas, row.px, (pixels, i, j) => {
    if (row.c === 3) for (let c = 0; c < 3; c++) pixels[4 * i + c] = 127.5 + 127.5 * value(j + c * row.px ** 2)
    else signed(pixels, i, value(j))
  })
}

function signed(pixels, i, value) {
  const end = value < 0 ? NEGATIVE : POSITIVE
  const share = Math.min(1, Math.abs(value))
  for (let c = 0; c < 3; c++) pixels[4 * i + c] = 255 + share * (end[c] - 255)
}

// What the map of a row shows: its value at a pixel in [−1, 1], and the end of the scale
function mapOf(self, row, point) {
  const from = point * row.size
  const own = self.own.checked
  if (self.map === 0 || !row.gradient) {
    let most = 0
    if (own) for (let j = 0; j < row.size; j++) most = Math.max(most, Math.abs(row.delta[from + j]))
    const end = own ? most * row.most / 127 || 1 : self.data.bounds[0]
    return { end, value: j => row.delta[from + j] * row.most / 127 / end }
  }
  if (self.map === 2) return { end: 1, value: j => Math.sign(row.gradient[from + j]) }
  const slope = row.slopes[point] ?? 0
  const end = own ? slope || 1 : self.data.bounds[1]
  return { end, value: j => Math.sign(row.gradient[from + j]) * (row.gradient[from + j] / 127) ** 2 * slope / end }
}
