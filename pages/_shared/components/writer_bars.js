// The bars below a text of writer.js: what the network expected at the chosen place.

const CONTEXT = 20 // characters before the chosen one that are quoted

function chosen(self) {
  return self.hover ?? self.pin ?? self.given + self.shown - 1
}

function hover(self, place) {
  if (place === self.hover) return
  self.hover = place
  choose(self)
}

function choose(self) {
  const place = chosen(self)
  for (const one of self.views) {
    one.chosen?.classList.remove("chosen")
    const span = one.spans[place]
    one.chosen = span && !span.classList.contains("ahead") && self.timer === null ? span : null
    one.chosen?.classList.add("chosen")
    say(one, place)
  }
}

function say(one, place) {
  const { panel } = one
  const char = panel.text[place]
  const [bits, p, before, after] = panel.numbers.subarray(4 * place, 4 * place + 4)
  const drawn = Number.isFinite(p)
  const many = one.narrow ? CONTEXT / 2 : CONTEXT
  const context = Array.from(panel.text.slice(Math.max(0, place - many), place), sign).join("")
  const cut = place > many ? "…" : ""
  one.where.replaceChildren("after ", make("code", "", `“${cut}${context}”`), drawn ? " it wrote " : " stands ",
    make("code", "", sign(char)), ...(drawn ? keys(panel, one.narrow) : [make("span", "", place ? ", given" : "")]))
  one.figures.textContent = !place ? "The first character: nothing came before it."
    : drawn ? `p ${change(2 ** -bits, p)} · surprise ${bits.toFixed(1)} bits · entropy ${before.toFixed(1)} → ${after.toFixed(1)} bits`
    : `p ${percent(2 ** -bits)} · surprise ${bits.toFixed(1)} bits · entropy ${before.toFixed(1)} bits`
  one.bars.forEach((bar, i) => fillBar(bar, panel, place, i, { char, bits, p, drawn }))
}

const keys = (panel, narrow) => [make("i", "key before"), "before", make("i", "key"),
  `at ${narrow ? panel.temperature.replace(/^temperature /, "") : panel.temperature}`]

// Ten bars for the most probable characters, and an eleventh for the one that came where it is none of them
function fillBar({ bar, before, after, percent: label, letter }, panel, place, i, { char, bits, p, drawn }) {
  const top = Array.from(panel.top.subarray(TOP * place, TOP * place + TOP), code => VOCABULARY[code])
  const extra = i === TOP
  const name = extra ? char : top[i]
  bar.hidden = !place || (extra && top.includes(char))
  if (bar.hidden) return
  const shares = panel.shares.subarray(2 * TOP * place)
  const one = extra ? 2 ** -bits : shares[i] / 65535
  const two = extra ? (drawn ? p : 0) : shares[TOP + i] / 65535
  before.style.height = `${100 * one}%`
  after.style.height = `${100 * two}%`
  label.textContent = drawn ? short(two) : short(one)
  letter.textContent = sign(name)
  bar.classList.toggle("drawn", name === char)
}

const sign = char => (char === " " ? "␣" : SIGNS[char] ?? char)
const percent = p => `${p >= 0.1 ? Math.round(100 * p) : Number((100 * p).toPrecision(2))}\u202f%`
const change = (from, to) => (percent(from) === percent(to) ? percent(to) : `${percent(from)} → ${percent(to)}`)
const short = p => (p >= 0.005 ? String(Math.round(100 * p)) : p > 0 ? "<1" : "0")
