// What stands below the maps of scrubber_maps.js: the chosen images, or one of them with its neighbours.

function picture(self, element, i) {
  const { sprite, cols, count } = self.panel
  const rows = Math.ceil(count / cols)
  const share = (index, of) => (of > 1 ? (100 * index) / (of - 1) : 0)
  element.hidden = !sprite
  if (!sprite) return element
  if (self.sprite !== sprite) {
    self.sprite = sprite
    self.section.style.setProperty("--sprite", `url(${JSON.stringify(sprite)})`)
  }
  element.style.backgroundSize = `${100 * cols}% ${100 * rows}%`
  element.style.backgroundPosition = `${share(i % cols, cols)}% ${share(Math.floor(i / cols), rows)}%`
  return element
}

function verdict(self, column, i) {
  const said = stored(self, `said ${column}`, self.frame)
  return said && { called: said[i], sure: said[self.panel.count + i] / 255 }
}

function describe(self, i) {
  const { panel } = self
  const lines = [`Image ${i}: ${panel.classes[self.labels[i]]}`]
  panel.columns.forEach((column, c) => {
    const said = verdict(self, c, i)
    if (said) lines.push(`${column.side || titleOf(self, c)} says ${panel.classes[said.called]}, ${percent(said.sure)}`)
  })
  return lines
}

const percent = share => `${Math.round(100 * share)}\u202f%`

// The column whose certainty orders the sheet: the last one that has a network's verdicts
function judge(self) {
  return self.panel.columns.findLastIndex((column, c) => stored(self, `said ${c}`, self.frame))
}

function below(self) {
  const { below: area, panel } = self
  const key = self.focus ? `${JSON.stringify(self.focus)} ${self.frame}` : self.chosen ? self.chosen : "none"
  if (self.shown === key && !self.focus && !(self.chosen && panel.columns.length)) return
  self.shown = key
  if (self.focus) return area.replaceChildren(...focused(self))
  if (!self.chosen) return area.replaceChildren(make("p", "hint", panel.hint))
  const column = judge(self)
  const sure = i => (column < 0 ? i : verdict(self, column, i).sure)
  const order = [...self.chosen].sort((a, b) => sure(a) - sure(b) || a - b)
  const by = column < 0 ? "" : `, ${panel.columns[column].side || titleOf(self, column)}’s least certain first`
  const head = order.length ? `${order.length} selected${by}` : "No image is in there. Drag over some points."
  const sheet = make("div", "pictures")
  sheet.append(...order.slice(0, 400).map(i => thumb(self, i, column)))
  area.replaceChildren(make("p", "head", head), sheet)
}

function thumb(self, i, column, kind = "") {
  const said = column < 0 ? null : verdict(self, column, i)
  const label = self.labels[i]
  const wrong = said && said.called !== label
  const button = make("button", `thumb ${kind}`)
  button.type = "button"
  button.style.setProperty("--class", self.panel.colors[label])
  button.append(picture(self, make("span", "digit"), i))
  if (wrong) button.append(make("span", "wrong", self.panel.classes[said.called]))
  else if (!self.panel.sprite) button.append(make("span", "wrong", self.panel.classes[label]))
  button.title = [...describe(self, i), ...(kind ? [kind] : [])].join("\n")
  button.setAttribute("aria-label", button.title)
  button.onclick = () => look(self, i, self.cells.findLast(cell => cell.column === (column < 0 ? 0 : column)))
  button.onpointerenter = () => { self.hover = i; paint(self) }
  button.onpointerleave = () => { self.hover = -1; paint(self) }
  return button
}

function focused(self) {
  const { index, column: c, map } = self.focus
  const column = self.panel.columns[c]
  const { original, plane } = around(self)
  const name = `${column.side ? `${column.side}, ` : ""}${titleOf(self, c)}`
  const me = make("div", "me")
  me.append(picture(self, make("span", "digit"), index), make("div", "lines"))
  me.lastChild.append(...describe(self, index).map(line => make("div", "", line)))
  const rows = make("div", "rows")
  if (original) {
    const kept = new Set(plane)
    rows.append(row(self, c, `Nearest in the original space (${name})`, original, i => (kept.has(i) ? "" : "lost")))
  }
  const known = new Set(original ?? plane)
  rows.append(row(self, c, `Nearest in this ${column.maps[map].title} map`, plane, i => (known.has(i) ? "" : "invented")))
  return [me, rows]
}

function row(self, column, title, indices, kind) {
  const element = make("div", "neighbours")
  const kinds = indices.map(kind)
  const odd = kinds.filter(Boolean).length
  const which = kinds.find(Boolean)
  const head = make("p", "head", title)
  if (odd) head.append(make("span", `odd ${which}`, which === "lost" ? `${odd} lost by the map` : `${odd} invented by it`))
  const sheet = make("div", "pictures")
  sheet.append(...indices.map((i, n) => thumb(self, i, column, kinds[n])))
  element.append(head, sheet)
  return element
}
