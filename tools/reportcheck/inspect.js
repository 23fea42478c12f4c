// Answers with the faults of a report: text without contrast (WCAG 2.2 AA, and never under 4.5), text that is too
// small, a page wider than its window, a script, or a policy that did not let the style in.
(() => {
  const faults = new Set();
  const rgba = (color) => {
    const n = (color.match(/[\d.]+/g) ?? []).map(Number);
    return n.length === 3 ? [...n, 1] : n;
  };
  const over = (top, under) => top.slice(0, 3).map((c, i) => c * top[3] + under[i] * (1 - top[3]));
  const luminance = (c) => {
    const [r, g, b] = c.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => {
    const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
  };
  // Every background that text may stand on: each colour of a gradient counts for itself.
  const backgrounds = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) {
      const style = getComputedStyle(e);
      const colors = style.backgroundImage.match(/rgba?\([^)]*\)/g) ?? [style.backgroundColor];
      layers.push(colors.map(rgba));
    }
    const canvas = matchMedia("(prefers-color-scheme: dark)").matches ? [0, 0, 0] : [255, 255, 255];
    return layers.reverse().reduce((under, layer) => {
      const seen = under.flatMap((u) => layer.map((c) => over(c, u)));
      return [...new Map(seen.map((c) => [c.join(), c])).values()];
    }, [canvas]);
  };

  const closed = document.querySelectorAll("details:not([open])");
  for (const details of closed) details.open = true;
  let texts = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    const text = node.data.trim();
    const element = node.parentElement;
    if (!text || element.closest("svg")) continue; // a title of a picture is a tooltip
    texts++;
    const style = getComputedStyle(element);
    const size = parseFloat(style.fontSize);
    const where = `${element.localName}.${element.className} "${text.slice(0, 30)}"`;
    if (size < 12) faults.add(`text of ${size} px: ${where}`);
    for (const under of backgrounds(element)) {
      const r = ratio(over(rgba(style.color), under), under);
      if (r < 4.5) faults.add(`contrast ${r.toFixed(2)}: ${where}`);
    }
  }
  if (texts < 10) faults.add(`only ${texts} texts: the page is not what it should be`);
  if (parseFloat(getComputedStyle(document.body).fontSize) < 16) faults.add("the body's text is under 16 px");
  // Not innerWidth: a phone zooms out until a wide page fits.
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth) faults.add(`the page is ${scrollWidth} px wide in ${clientWidth}`);
  if (getComputedStyle(document.querySelector("main")).display !== "grid") faults.add("the style was not applied");
  if (document.querySelector("script, img, iframe, object, [style], [onerror], [onload]")) {
    faults.add("an element that a report never has");
  }
  for (const details of closed) details.open = false;
  return [...faults];
})();
