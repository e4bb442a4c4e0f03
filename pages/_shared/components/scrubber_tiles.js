// Panel: small pictures with what each side says about them

function tiles(section) {
  const head = section.appendChild(make("header"))
  const title = head.appendChild(make("h3"))
  const counts = head.appendChild(make("span", "about"))
  const sheet = section.appendChild(make("div", "sheet"))
  sheet.setAttribute("role", "list")
  let panel = null
  const show = frame => {
    for (const [i, side] of Object.keys(panel.names).entries()) {
      const row = panel.verdicts[side]?.[frame]
      Array.from(sheet.children).forEach((tile, n) => say(tile.querySelectorAll(".said")[i], side, row?.[n]))
      const right = row ? row.filter(verdict => verdict?.ok).length : "–"
      counts.children[i].lastChild.textContent = `${right} of ${panel.count} right`
    }
  }
  return {
    draw(next, frame) {
      panel = next
      title.textContent = panel.title
      const sides = Object.keys(panel.names)
      counts.replaceChildren(...sides.map(side => count(side, panel.names[side])))
      while (sheet.children.length > panel.count) sheet.lastChild.remove()
      while (sheet.children.length < panel.count) sheet.append(tile())
      Array.from(sheet.children).forEach((element, i) => fillTile(element, panel, i, sides))
      show(frame)
      arrange(sheet, panel, sides.length)
    },
    show: frame => panel && show(frame),
  }
}

function count(side, name) {
  const element = make("span", "count")
  element.title = name
  element.append(make("span", `chip ${side}`, side), make("span"))
  return element
}

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
  if (picture.dataset.image !== image) picture.style.backgroundImage = picture.dataset.image = image // or it flickers
  picture.style.backgroundSize = `${100 * panel.cols}% ${100 * rows}%`
  picture.style.backgroundPosition = `${share(i % panel.cols, panel.cols)}% ${share(Math.floor(i / panel.cols), rows)}%`
  const truth = make("div", "truth", panel.truth[i])
  truth.title = panel.truth[i]
  words.replaceChildren(truth, ...sides.map(side => {
    const said = make("div", "said")
    said.append(make("span", `chip ${side}`), make("span", "what"), make("span", "sure"))
    return said
  }))
}

function say(element, side, verdict) {
  const [chip, what, sure] = element.children
  element.classList.toggle("wrong", !verdict?.ok)
  chip.replaceChildren(side, make("span", "mark", verdict ? (verdict.ok ? "✓" : "✗") : ""))
  what.textContent = what.title = verdict ? verdict.label : "–"
  sure.textContent = verdict?.p == null ? "" : `${Math.round(100 * verdict.p)}\u202f%`
}

// Words below or beside the pictures, and in how many columns? The largest pictures win that leave the words room.
function arrange(sheet, panel, sides) {
  const gap = 10
  const { width, height } = sheet.getBoundingClientRect()
  const text = 18 * (1 + sides)
  // what a line of words takes: the chip, the per cent, and a long label
  const wanted = 64 + 6.5 * Math.min(10, Math.max(...panel.truth.map(label => label.length)))
  let best = { score: -1 }
  for (let cols = 1; cols <= panel.count; cols++) {
    const rows = Math.ceil(panel.count / cols)
    const w = (width - gap * (cols - 1)) / cols
    const h = (height - gap * (rows - 1)) / rows
    const ways = [{ cols, size: Math.min(w, h - text), room: w }]
    const largest = h < text ? 0 : Math.min(h, 0.6 * w)
    for (let size = 24; size <= largest; size += 2) ways.push({ cols, size, room: w - size - 7, beside: true })
    for (const way of ways) {
      way.score = way.size * Math.min(1, way.room / wanted) ** 1.75
      if (way.score > best.score) best = way
    }
  }
  sheet.classList.toggle("beside", !!best.beside)
  sheet.style.gridTemplateColumns = `repeat(${best.cols}, minmax(0, 1fr))`
  sheet.style.setProperty("--size", `${Math.floor(best.size)}px`)
}
