/**
 * The colours of the maps: even in lightness from end to end (measured in OKLab), so that equal steps of a value look
 * equal, also in grey and to colour-blind eyes. One ramp for sizes, one for signed numbers, each for light and dark.
 */
export type Theme = "light" | "dark";
export type Rgb = readonly [number, number, number];

interface Stop {
  /** Lightness, chroma and hue in degrees. */
  readonly at: readonly [number, number, number];
}

const stops: Readonly<Record<Theme, Readonly<Record<"size" | "signed", readonly Stop[]>>>> = {
  light: {
    size: [
      { at: [0.965, 0.012, 85] },
      { at: [0.8, 0.1, 65] },
      { at: [0.6, 0.15, 30] },
      { at: [0.42, 0.14, 350] },
      { at: [0.25, 0.09, 300] },
    ],
    signed: [
      { at: [0.33, 0.12, 255] },
      { at: [0.65, 0.1, 245] },
      { at: [0.965, 0.012, 85] },
      { at: [0.65, 0.13, 45] },
      { at: [0.33, 0.11, 20] },
    ],
  },
  dark: {
    size: [
      { at: [0.235, 0.012, 290] },
      { at: [0.4, 0.11, 315] },
      { at: [0.58, 0.16, 5] },
      { at: [0.76, 0.13, 55] },
      { at: [0.95, 0.07, 95] },
    ],
    signed: [
      { at: [0.88, 0.08, 230] },
      { at: [0.56, 0.12, 245] },
      { at: [0.235, 0.012, 290] },
      { at: [0.56, 0.14, 40] },
      { at: [0.88, 0.1, 75] },
    ],
  },
};

/** OKLab to sRGB, each of 0 to 255; what no screen can show is clipped. */
function srgb(lightness: number, a: number, b: number): Rgb {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  const coded = linear.map((v) => (v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055));
  return coded.map((v) => Math.round(255 * Math.min(1, Math.max(0, v)))) as unknown as Rgb;
}

/** The colour of a place from 0 to 1 along a ramp. */
export function colour(theme: Theme, ramp: "size" | "signed", place: number): Rgb {
  const all = stops[theme][ramp];
  const along = Math.min(1, Math.max(0, place)) * (all.length - 1);
  const first = Math.min(Math.floor(along), all.length - 2);
  const [from, to] = [all[first]!.at, all[first + 1]!.at].map(([l, c, h]) => {
    const angle = (h * Math.PI) / 180;
    return [l, c * Math.cos(angle), c * Math.sin(angle)] as const;
  }) as [Rgb, Rgb];
  const mixed = from.map((v, i) => v + (to[i]! - v) * (along - first)) as unknown as Rgb;
  return srgb(...mixed);
}

/** The whole ramp in 256 steps. */
export const palette = (theme: Theme, ramp: "size" | "signed"): Rgb[] =>
  Array.from({ length: 256 }, (_, i) => colour(theme, ramp, i / 255));
