/* Colours and marks. Models are told apart by colour and line, kinds of sites by mark: neither by colour alone. */
Affinis.themes = (function () {
  'use strict';

  /* Okabe and Ito's colours, which colour-blind readers tell apart; yellow and black are replaced, to show on either ground. */
  const BRIGHT = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#882255', '#7a7a2e'];
  const ON_DARK = ['#4aa3df', '#f07f3c', '#2fc39a', '#e39bc3', '#f2b632', '#8fd0f7', '#d0679f', '#b9b95c'];
  const DASHES = ['solid', 'dashed', 'dotted'];

  /* Near is strong, far is pale. */
  const NEAR_TO_FAR = ['#08306b', '#1f5fa5', '#4b93c6', '#8cbfdd', '#c6dcee', '#f2f7fc'];
  const NEAR_TO_FAR_ON_DARK = ['#d9ebfa', '#93c3e8', '#5798cd', '#2f6ca6', '#224872', '#1b2a3d'];

  /* Without quotes: ECharts writes attributes of SVG as they are. */
  const FONT = 'system-ui, -apple-system, Roboto, Helvetica, Arial, sans-serif';

  const light = {
    dark: false, background: '#ffffff', surface: '#ffffff', text: '#1d232b', muted: '#5a6572', line: '#e3e7ec',
    axis: '#9aa4af', faint: '#c3cad2', warning: '#b00020', colours: BRIGHT, heat: NEAR_TO_FAR, font: FONT,
  };
  const dark = {
    dark: true, background: '#12161b', surface: '#1a2027', text: '#e7ebf0', muted: '#a3aeba', line: '#2c343e',
    axis: '#66717d', faint: '#48525e', warning: '#ff8a80', colours: ON_DARK, heat: NEAR_TO_FAR_ON_DARK, font: FONT,
  };

  function polygon(corners, inner) {
    const count = inner ? 2 * corners : corners;
    let path = '';
    for (let i = 0; i < count; i++) {
      const radius = inner && i % 2 === 1 ? inner : 1;
      const angle = 2 * Math.PI * i / count - Math.PI / 2;
      path += (i === 0 ? 'M' : 'L') + (radius * Math.cos(angle)).toFixed(3) + ',' + (radius * Math.sin(angle)).toFixed(3);
    }
    return path + 'Z';
  }

  function shape(symbol, path, size) {
    return { symbol: symbol || 'path://' + path, path: path, size: size || 1, hollow: /^empty/.test(symbol || '') };
  }

  const CIRCLE = 'M1,0A1,1 0 1 1 -1,0A1,1 0 1 1 1,0Z';
  const SQUARE = 'M-0.85,-0.85H0.85V0.85H-0.85Z';
  const UP = 'M0,-1L1,0.85H-1Z';
  const DIAMOND = 'M0,-1L1,0L0,1L-1,0Z';

  /* Filled marks: kinds of activations, the most frequent first. */
  const FILLED = [
    shape('circle', CIRCLE), shape('diamond', DIAMOND, 1.3), shape('triangle', UP, 1.15), shape('rect', SQUARE, 0.9),
    shape(null, polygon(5, 0.45), 1.5), shape(null, 'M-1,-0.85H1L0,1Z', 1.15),
    shape(null, 'M-0.35,-1H0.35V-0.35H1V0.35H0.35V1H-0.35V0.35H-1V-0.35H-0.35Z', 1.25), shape(null, polygon(6), 1.15),
    shape(null, 'M-1,-0.6L-0.6,-1L0,-0.4L0.6,-1L1,-0.6L0.4,0L1,0.6L0.6,1L0,0.4L-0.6,1L-1,0.6L-0.4,0Z', 1.15),
    shape(null, polygon(4, 0.35), 1.6), shape(null, polygon(5), 1.15), shape(null, polygon(6, 0.55), 1.4),
  ];

  /* Hollow marks: sites that are no activations, by type. */
  const HOLLOW = [
    shape('emptyRect', SQUARE), shape('emptyTriangle', UP, 1.15), shape('emptyDiamond', DIAMOND, 1.2),
    shape('emptyCircle', CIRCLE), shape('emptyRoundRect', SQUARE),
  ];

  function colour(theme, index) {
    return theme.colours[index % theme.colours.length];
  }

  function dash(theme, index) {
    return DASHES[Math.floor(index / theme.colours.length) % DASHES.length];
  }

  return { light: light, dark: dark, filled: FILLED, hollow: HOLLOW, colour: colour, dash: dash };
})();
