/* Measured models among the published networks: minimum, median and maximum of each, in the order of the medians. */
(function () {
  'use strict';

  const charts = Affinis.charts;
  const ROW = 17; // pixels

  function rows(report, state) {
    const found = report.data.published.networks.map(function (network) {
      return { name: network.name, min: network.minimum, median: network.median, max: network.maximum, published: network };
    });
    report.models.forEach(function (model) {
      const of = Affinis.report.statistics(model, 'affinity', state.view);
      if (of) {
        found.push({ name: model.short, min: of.min, median: of.median, max: of.max, model: model });
      }
    });
    return found.sort(function (a, b) { return b.median - a.median; });
  }

  function range(view, row) {
    const theme = view.theme;
    const faded = row.model && !Affinis.report.isShown(view.state, row.model);
    return {
      colour: row.model ? Affinis.themes.colour(theme, row.model.index) : theme.axis, width: row.model ? 3 : 1.5,
      opacity: faded ? 0.15 : 1,
    };
  }

  charts.all.push({
    id: 'published', file: 'published', title: 'Among published networks',
    available: function (report) { return Boolean(report.data.published) && report.data.scores.indexOf('affinity') >= 0; },
    pages: function () { return 1; },
    height: function (report, view) { return rows(report, view.state).length * ROW + 66; },
    option: function (report, view) {
      const theme = view.theme;
      const list = rows(report, view.state);
      const values = [];
      list.forEach(function (row) { values.push(row.min, row.max); });
      const names = list.map(function (row) { return Affinis.text.shorten(row.name, view.width < 600 ? 18 : 26); });
      return Object.assign(charts.base(view), {
        grid: { left: Math.ceil(charts.textWidth('x', 12) * charts.longest(names)) + 24, right: 22, top: 8, bottom: 48 },
        xAxis: charts.valueAxis(view, 'affinity: minimum, median, maximum', charts.range(values, 6), { nameGap: 28 }),
        yAxis: {
          type: 'category', inverse: true, data: list.map(function (row, i) { return String(i); }),
          axisLine: { lineStyle: { color: theme.axis } }, axisTick: { show: false },
          axisLabel: {
            interval: 0, fontSize: 12, formatter: function (i) { return names[Number(i)]; },
            color: function (i) { return list[Number(i)].model ? theme.text : theme.muted; },
          },
          splitLine: { show: false },
        },
        series: [
          {
            type: 'custom', id: 'ranges', silent: true, data: list.map(function (row, i) { return [i, row.min, row.max]; }),
            encode: { x: [1, 2], y: 0 },
            renderItem: function (params, api) {
              const style = range(view, list[api.value(0)]);
              const from = api.coord([api.value(1), api.value(0)]);
              const to = api.coord([api.value(2), api.value(0)]);
              return {
                type: 'line', shape: { x1: from[0], y1: from[1], x2: to[0], y2: to[1] },
                style: { stroke: style.colour, lineWidth: style.width, opacity: style.opacity },
              };
            },
          },
          {
            type: 'scatter', id: 'medians', emphasis: { disabled: true },
            data: list.map(function (row, i) {
              const style = range(view, row);
              return {
                value: [row.median, i], symbol: row.model ? 'diamond' : 'circle', symbolSize: row.model ? 12 : 7,
                itemStyle: { color: style.colour, opacity: style.opacity }, about: charts.about({ row: row }),
              };
            }),
          },
        ],
      });
    },
  });
})();
