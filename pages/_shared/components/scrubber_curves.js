// Panel: curves over the frames

function curves(section, act) {
  const head = section.appendChild(make("header"))
  const title = head.appendChild(make("h3"))
  const about = head.appendChild(make("span", "about"))
  const svg = shape(section, "svg", { role: "img" })
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
    draw(panel, frame, alt) {
      title.textContent = panel.title
      // "Test accuracy" and "test accuracy (%)" need not both be said
      const said = (panel.y_title ?? "").toLowerCase().startsWith(panel.title.toLowerCase())
      about.textContent = said ? panel.y_title.slice(panel.title.length).trim() : panel.y_title
      const { width, height } = svg.getBoundingClientRect()
      plot = drawCurves(svg, panel, width, height)
      plot.alt = `${alt} ${panel.title}`
    },
    show: (frame, text) => plot && showCurves(svg, plot, frame, text),
  }
}

function drawCurves(svg, panel, width, height) {
  svg.replaceChildren()
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`)
  const lines = panel.series.map(line => ({ ...line, x: line.x ?? panel.x, unit: unitOf(panel), digits: panel.digits }))
  const yTicks = ticks(...(panel.y_domain ?? extent(lines, panel.refs)), Math.max(3, Math.round(height / 55)))
  const [low, high] = panel.y_domain ?? [yTicks[0], yTicks.at(-1)]
  const labels = lines.map(line => endLabel(svg, line))
  const gutter = Math.min(0.34 * width, Math.max(0, ...labels.map(label => label.width)) + 20)
  const left = 12 + Math.max(...yTicks.map(tick => 8 * format(tick).length))
  const box = { left, right: width - gutter, top: 10, bottom: height - 44 }
  const x = scale(...(panel.x_domain ?? [panel.x[0], panel.x.at(-1)]), box.left, box.right)
  const y = scale(low, high, box.bottom, box.top)
  const plot = { panel, lines, labels, box, x, y }
  drawAxes(svg, plot, yTicks)
  for (const line of lines) {
    if (line.band) shape(svg, "path", { class: "band", d: bandPath(line, x, y), fill: line.color })
  }
  const refs = (panel.refs ?? []).filter(ref => ref.y >= low && ref.y <= high)
  for (const ref of refs) shape(svg, "path", { class: "ref", d: `M${box.left} ${y(ref.y)}H${box.right}` })
  plot.marker = shape(svg, "path", { class: "marker" })
  for (const line of [...lines].sort((a, b) => !!b.thin - !!a.thin)) {
    const name = line.thin ? "thin line" : "line"
    shape(svg, "path", { class: name, d: linePath(line, x, y), style: `--color: ${line.color}` })
  }
  placeRefs(svg, plot, refs)
  placeLabels(svg, plot, gutter)
  plot.dots = lines.map(line => line.thin ? null : shape(svg, "circle", { class: "dot", r: 6, fill: line.color }))
  return plot
}

function drawAxes(svg, { panel, box, x, y }, yTicks) {
  for (const tick of yTicks) {
    if (y(tick) < box.top - 1 || y(tick) > box.bottom + 1) continue
    shape(svg, "path", { class: "grid", d: `M${box.left} ${Math.round(y(tick)) + 0.5}H${box.right}` })
    shape(svg, "text", { class: "tick", x: box.left - 8, y: y(tick) + 5, "text-anchor": "end" }, format(tick))
  }
  const room = 16 + 8 * Math.max(...panel.x.map(value => format(value).length)) // px that a label takes
  const apart = !panel.x_domain && panel.x.every((value, i, all) => !i || x(value) - x(all[i - 1]) >= room)
  const ends = panel.x_domain ?? [panel.x[0], panel.x.at(-1)]
  const xTicks = apart ? panel.x : ticks(...ends, Math.max(1, Math.round((box.right - box.left) / 90)))
  for (const tick of xTicks) {
    if (x(tick) > box.right + 1) continue
    shape(svg, "path", { class: "axis", d: `M${Math.round(x(tick)) + 0.5} ${box.bottom}v5` })
    const last = x(tick) + room / 2 > box.right + 8 // beside it stand the values
    shape(svg, "text", { class: "tick", x: last ? box.right + 6 : x(tick), y: box.bottom + 20,
      "text-anchor": last ? "end" : "middle" }, format(tick))
  }
  shape(svg, "path", { class: "axis", d: `M${box.left} ${Math.round(box.bottom) + 0.5}H${box.right}` })
  const middle = (box.left + box.right) / 2
  shape(svg, "text", { class: "tick", x: middle, y: box.bottom + 39, "text-anchor": "middle" }, panel.x_title)
}

function showCurves(svg, plot, frame, text) {
  const { panel, box, x, y } = plot
  const here = panel.x[frame]
  plot.marker.setAttribute("d", `M${x(here)} ${box.top}V${box.bottom}`)
  const values = plot.lines.map((line, i) => {
    const point = valueAt(line, here)
    const value = point ? format(point.y, line.unit, line.digits) : "–"
    plot.labels[i].value.textContent = value
    plot.dots[i]?.setAttribute("transform", point ? `translate(${x(point.x)} ${y(point.y)})` : "scale(0)")
    return `${line.name} ${value}`
  })
  svg.setAttribute("aria-label", `${plot.alt}, ${text}: ${values.join(", ")}`)
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
  const group = shape(svg, "g", { class: line.thin ? "thin label" : "label", style: `--color: ${line.color}` })
  const name = shape(group, "text", { class: "name" }, line.name)
  const value = shape(group, "text", { class: "value" }, format(widest(line.y), line.unit, line.digits))
  const [a, b] = [name.getComputedTextLength(), value.getComputedTextLength()]
  const last = line.y.findLast(number => number != null)
  const [width, tall] = line.thin ? [a + b + 6, 16] : [Math.max(a, b), 40]
  return { group, name, value, last, width, tall, thin: line.thin }
}

function placeLabels(svg, { labels, box, y }, gutter) {
  for (const label of labels) svg.append(label.group) // on top of the lines
  const known = labels.filter(label => label.last !== undefined)
  for (const label of known) label.wish = y(label.last)
  const [top, bottom] = [box.top - 8, box.bottom + 14]
  const placed = spread(known.filter(label => !label.thin), top, bottom)
  for (const label of known.filter(label => label.thin)) squeeze(label, placed, top, bottom)
  for (const label of labels) if (!placed.includes(label)) label.group.remove()
  for (const label of placed) {
    const x = box.right + 16
    shorten(label.name, gutter - 16 - (label.thin ? label.value.getComputedTextLength() + 6 : 0))
    const [name, value] = label.thin ? [4, 4] : [-5, 15]
    label.name.setAttribute("x", x)
    label.name.setAttribute("y", label.y + name)
    label.value.setAttribute("x", label.thin ? x + label.name.getComputedTextLength() + 6 : x)
    label.value.setAttribute("y", label.y + value)
    const leader = `M${box.right + 4} ${label.wish}L${x - 4} ${label.y}`
    if (!label.thin) shape(label.group, "path", { class: "leader", d: leader })
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
  return labels
}

// Put one more label where there is room, close to its wish; where there is none it is left out.
function squeeze(label, placed, top, bottom) {
  for (let away = 0; away < bottom - top; away += 2) {
    const free = [label.wish - away, label.wish + away].find(y => Math.min(y - top, bottom - y) >= label.tall / 2
      && placed.every(other => Math.abs(other.y - y) >= (other.tall + label.tall) / 2))
    if (free !== undefined) return placed.push(Object.assign(label, { y: free }))
  }
}

// A reference's label stands on its line: at the right end if the curves leave room there, else where they cross least.
function placeRefs(svg, { box, x, y, lines }, refs) {
  const taken = []
  for (const ref of refs) {
    const text = shape(svg, "text", { class: "reflabel" }, ref.label)
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
  for (let n = full.length - 1; n > 0 && text.getComputedTextLength() > width; n--) {
    text.textContent = full.slice(0, n).trim() + "…"
  }
  if (text.textContent !== full) shape(text, "title", {}, full)
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
  const rows = xs.map((value, i) => [value, ...(band[i] ?? [])])
  const known = rows.filter(row => row[1] != null && row[2] != null)
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

// Ticks come as they are; with a unit, or as a measured value: with so many decimals as the panel says, otherwise per
// cent to one decimal, others to three figures.
function format(value, unit, digits) {
  const rounded = unit === undefined ? String(value) : digits != null ? value.toFixed(digits)
    : unit === "%" ? value.toFixed(1) : Math.abs(value) >= 1000 ? value.toFixed(0) : value.toPrecision(3)
  const [whole, part] = rounded.replace("-", "−").split(".")
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, "\u202f")
  return (part ? `${grouped}.${part}` : grouped) + (unit ? `\u202f${unit}` : "")
}
