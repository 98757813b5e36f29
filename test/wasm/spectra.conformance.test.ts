import { spectra } from "../../src/pages/spectra.ts";
import { conformance } from "./conformance.ts";

conformance(
  spectra,
  {
    // Long enough for transforms, of lengths with and without factors other than 2.
    "long sequences": {
      "spectral/long-convolution": {
        sizes: { T: 150, M: 5, K: 160 },
        given: { kernel: true, scales: false, scalesRev: false },
      },
      "spectral/base-conv": {
        sizes: { T: 90, M: 6, K: 97 },
        options: { kernel: "long", lMax: 97 },
        given: { h: true, fW1: false, fW2: false, fB1: false, fB2: false, hB: false },
      },
      "spectral/hyena-operator": { sizes: { T: 60, M: 3, K: 3, P: 5, A: 3, Mo: 2 }, options: { order: 3 } },
      "linear/h3": { sizes: { T: 64, M: 2, N: 3, H: 2, Mo: 2 }, options: { headDim: 2 } },
      "linear/kernelized-attention-rpe-fft": {
        sizes: { T: 70, D: 3, E: 5, N: 4 },
        options: { width: Number.POSITIVE_INFINITY },
      },
    },
    "many short taps": {
      "spectral/long-convolution": {
        sizes: { T: 260, M: 3, K: 50 },
        given: { kernel: true, scales: false, scalesRev: false },
      },
    },
    "lengths with large factors": {
      "spectral/fnet-fourier-mixing": { sizes: { T: 22, M: 26 } },
      "spectral/spectral-gating-network": { sizes: { Y: 14, X: 9, C: 5 } },
    },
    "powers of two": {
      "spectral/fnet-fourier-mixing": { sizes: { T: 32, M: 16 } },
      "spectral/spectral-gating-network": { sizes: { Y: 8, X: 16, C: 4 } },
    },
  },
  { "spectral/spectral-gating-network": 15, "spectral/fnet-fourier-mixing": 24 },
);
