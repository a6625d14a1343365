/** How all plots look, on light and on dark paper. Classes and no variables: not every program that draws SVG knows those. */

interface Palette {
  readonly paper: string;
  readonly ink: string;
  readonly muted: string;
  readonly grid: string;
  readonly first: string;
  readonly second: string;
}

const LIGHT: Palette = {
  ...{ paper: '#ffffff', ink: '#1f2328', muted: '#59636e', grid: '#dde2e7' },
  ...{ first: '#0860ca', second: '#b35900' },
};
const DARK: Palette = {
  ...{ paper: '#0d1117', ink: '#e6edf3', muted: '#9aa4af', grid: '#2b323b' },
  ...{ first: '#58a6ff', second: '#f0883e' },
};

export const STYLE = `
text { font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; font-size: 12px; }
.title { font-weight: 600; font-size: 13px; }
.strong { font-weight: 600; }
.end { text-anchor: end; }
.middle { text-anchor: middle; }
line, polyline { fill: none; stroke-width: 1; }
polyline { stroke-width: 2; }
.guide { stroke-width: 1.5; stroke-dasharray: 5 4; }
.range { stroke-width: 2; }
${colours(LIGHT)}
@media (prefers-color-scheme: dark) {
${colours(DARK)}
}
`;

/** Series are `first` and `second`; `subject` is what is compared, `peer` whom with, `reference` where the limit is. */
function colours({ paper, ink, muted, grid, first, second }: Palette): string {
  return `.paper { fill: ${paper}; }
text { fill: ${ink}; }
text.muted { fill: ${muted}; }
line.grid { stroke: ${grid}; }
line.axis { stroke: ${muted}; }
.guide { stroke: ${muted}; }
polyline.first { stroke: ${first}; }
polyline.second { stroke: ${second}; }
.mark.first, .mark.subject { fill: ${first}; }
.mark.second { fill: ${second}; }
.mark.peer { fill: ${ink}; }
.mark.reference { fill: ${paper}; stroke: ${muted}; stroke-width: 1.5; }
.range.subject { stroke: ${first}; }
.range.peer { stroke: ${ink}; }
.range.reference { stroke: ${muted}; }`;
}
