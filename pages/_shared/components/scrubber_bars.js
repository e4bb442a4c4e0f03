// Panel: bars beside each other, one a side, for each name; their heights change from frame to frame

const NUMBERED = 0.25 // of the axis: higher bars say their number
const LINE = 15 // px that a number takes

function bars(section) {
  const head = section.appendChild(make("header"))
  const title = head.appendChild(make("h3"))
  const about = head.appendChild(make("span", "about"))
  const svg = shape(section, "svg", { role: "img" })
  let plot = null
  return {
    draw(panel, frame, alt) {
      title.textContent = panel.title
      about.textContent = panel.about ?? ""
      const { width, height } = svg.getBoundingClientRect()
      plot = drawBars(svg, panel, width, height)
      plot.alt = `${alt} ${panel.title}`
    },
    show: (frame, text) => plot && showBars(svg, plot, frame, text),
  }
}

function drawBars(svg, panel, width, height) {
  svg.replaceChildren()
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`)
  const box = { left: 4, right: width - 4, top: 18, bottom: height - (panel.x_title ? 38 : 20) }
  const y = scale(0, panel.top, box.bottom, box.top)
  const room = (box.right - box.left) / panel.names.length // px that a name has
  const broad = Math.max(1, Math.min(26, (room - Math.min(8, 0.25 * room)) / panel.series.length))
  const middle = i => box.left + (i + 0.5) * room
  const every = Math.ceil(30 / room) // names that would touch are left out
  if (panel.ref) shape(svg, "path", { class: "ref", d: `M${box.left} ${y(panel.ref)}H${box.right}` })
  const rects = panel.series.map((line, s) => panel.names.map((_, i) =>
    shape(svg, "rect", { class: "bar", x: middle(i) + (s - panel.series.length / 2) * broad + 0.5, width: broad - 1,
      fill: line.color })))
  const numbers = rects.map(row => row.map(() => shape(svg, "text", { class: "number", "text-anchor": "middle" })))
  shape(svg, "path", { class: "axis", d: `M${box.left} ${Math.round(box.bottom) + 0.5}H${box.right}` })
  const names = panel.names.map((_, i) => i % every && room < 14 ? null
    : shape(svg, "text", { class: "tick", x: middle(i), y: box.bottom + 16, "text-anchor": "middle" }))
  if (panel.x_title) {
    shape(svg, "text", { class: "tick", x: (box.left + box.right) / 2, y: height - 4, "text-anchor": "middle" }, panel.x_title)
  }
  return { panel, box, y, broad, rects, numbers, names, middle }
}

function showBars(svg, { panel, box, y, broad, rects, numbers, names, middle, alt }, frame, text) {
  const words = panel.frames?.[frame] ?? panel.names
  names.forEach((name, i) => name && (name.textContent = words[i]))
  const said = panel.series.map((line, s) => {
    const values = line.values[frame]
    rects[s].forEach((rect, i) => {
      const value = values?.[i] ?? 0
      const top = y(Math.min(value, panel.top))
      rect.setAttribute("y", top)
      rect.setAttribute("height", Math.max(0, box.bottom - top))
      const number = numbers[s][i]
      const hidden = panel.series.some((other, o) => { // by the number of a bar beside it that is hardly higher
        const apart = o === s ? -1 : y(value) - y(other.values[frame]?.[i] ?? 0)
        return apart > 0 && apart < LINE || (apart === 0 && o < s)
      })
      const seen = value >= NUMBERED * panel.top && !hidden
      number.textContent = seen ? share(value) : ""
      number.setAttribute("x", middle(i) + (s + 0.5 - panel.series.length / 2) * broad)
      number.setAttribute("y", top - 4)
    })
    return values ? `${line.name}: ${values.map((value, i) => `${words[i]} ${share(value)}\u202f%`).join(", ")}`
      : `${line.name}: –`
  })
  svg.setAttribute("aria-label", `${alt}, ${text}. ${said.join(". ")}`)
}

// "100" is left to those that are: 0.996 is 99.6
const share = value => (value >= 0.995 && value < 1 ? (Math.floor(1000 * value) / 10).toFixed(1) : Math.round(100 * value))
