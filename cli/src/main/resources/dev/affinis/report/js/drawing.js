/* Charts as pictures: what is saved, printed, and written for papers, always in light colours and with their own legend. */
Affinis.drawing = (function () {
  'use strict';

  function view(report, chart, state, width) {
    const made = { state: state, theme: Affinis.themes.light, width: width, height: 0, legend: true, tooltip: null, place: null };
    made.height = Math.ceil(chart.height(report, made));
    return made;
  }

  function render(element, settings, report, chart, state, width, read) {
    const made = view(report, chart, state, width);
    const drawn = echarts.init(element, null, Object.assign({ width: made.width, height: made.height }, settings));
    const option = chart.option(report, made);
    option.backgroundColor = '#ffffff';
    drawn.setOption(option);
    try {
      return read(drawn);
    } finally {
      drawn.dispose();
    }
  }

  /* A chart as SVG text. */
  function svg(report, chart, state, width) {
    return render(null, { renderer: 'svg', ssr: true }, report, chart, state, width, function (drawn) {
      return drawn.getZr().painter.renderToString({ useViewBox: true, cssAnimation: false, cssEmphasis: false })
        .replace(/ dominant-baseline="central"/g, ' dy="0.35em"'); // which more programs know
    });
  }

  /* A chart as the address of a PNG, drawn on a detached element. */
  function png(report, chart, state, width, ratio) {
    return render(document.createElement('div'), { renderer: 'canvas', devicePixelRatio: ratio }, report, chart, state, width,
      function (drawn) { return drawn.getDataURL({ type: 'png', pixelRatio: ratio, backgroundColor: '#ffffff' }); });
  }

  /* Every picture of a chart, as {name, svg}: one for each page of small multiples. */
  function pages(report, chart, state, width) {
    const found = [];
    const count = chart.pages(report);
    for (let page = 0; page < count; page++) {
      found.push({
        name: chart.file + (count > 1 ? '-' + (page + 1) : ''),
        svg: svg(report, chart, Object.assign({}, state, { page: page }), width),
      });
    }
    return found;
  }

  /* All charts that there are for a comparison, given as JSON text. */
  function all(json, width) {
    const report = Affinis.report.create(JSON.parse(json));
    const state = Affinis.report.initialState(report);
    return Affinis.charts.all
      .filter(function (chart) { return chart.available(report); })
      .reduce(function (found, chart) { return found.concat(pages(report, chart, state, width)); }, []);
  }

  return { svg: svg, png: png, pages: pages, all: all };
})();
