/* Score against score over sites, and a number such as accuracy against a statistic over models. */
(function () {
  'use strict';

  const charts = Affinis.charts;
  const reports = Affinis.report;
  const NAMED_MOST = 60; // models whose names are looked for room
  const GRID = { left: 64, right: 40, top: 32, bottom: 50 };
  const METHODS = [['pearson', 'Pearson'], ['spearman', 'Spearman']];

  /* Sites that have both chosen scores, by model. */
  function pairs(report, state) {
    return report.models.map(function (model) {
      return {
        model: model,
        sites: reports.sites(report, model, state.view).filter(function (site) {
          return reports.value(site, state.x) !== null && reports.value(site, state.y) !== null;
        }),
      };
    });
  }

  function column(sites, score) {
    return sites.map(function (site) { return site.scores[score]; });
  }

  function both(x, y) {
    return METHODS.map(function (method) { return Affinis.statistics.correlation(method[0], x, y); });
  }

  /* Correlations of the two scores: all shown sites together, and for each model. */
  function scoreCorrelations(report, state) {
    const shown = pairs(report, state).filter(function (pair) { return reports.isShown(state, pair.model); });
    const all = shown.reduce(function (sites, pair) { return sites.concat(pair.sites); }, []);
    const rows = shown.map(function (pair) {
      return { model: pair.model, found: both(column(pair.sites, state.x), column(pair.sites, state.y)) };
    });
    return { all: both(column(all, state.x), column(all, state.y)), models: rows };
  }

  function line(found) {
    return METHODS.map(function (method, i) { return method[1] + ' ' + Affinis.text.coefficient(found[i]); }).join(',  ') +
      ',  ' + found[0].pairs + ' pairs';
  }

  charts.all.push({
    id: 'scatter', file: 'scores', title: 'Score against score',
    available: function (report) { return report.data.scores.length > 1; },
    pages: function () { return 1; },
    height: function (report, view) { return Math.max(view.width < 600 ? 340 : 460, view.legend ? charts.legendHeight(report) : 0); },
    option: function (report, view) {
      const state = view.state;
      const all = pairs(report, state);
      const legend = charts.legend(report, view, Array.from(report.marks.values()));
      const flat = all.reduce(function (sites, pair) { return sites.concat(pair.sites); }, []);
      return Object.assign(charts.base(view), {
        title: charts.caption(view, view.width < 600 ? '' : line(scoreCorrelations(report, state).all)),
        grid: { left: 64, right: legend.width + 20, top: 32, bottom: 50 },
        legend: legend.components,
        xAxis: charts.valueAxis(view, Affinis.text.score(state.x), charts.range(column(flat, state.x), 6), { nameGap: 30 }),
        yAxis: charts.valueAxis(view, Affinis.text.score(state.y), charts.range(column(flat, state.y), 6), { nameGap: 46 }),
        series: all.map(function (pair) {
          const faded = !reports.isShown(state, pair.model);
          return {
            type: 'scatter', id: pair.model.id, name: pair.model.id, silent: faded, emphasis: { disabled: true },
            itemStyle: { color: Affinis.themes.colour(view.theme, pair.model.index), opacity: faded ? 0.07 : 0.85 },
            data: pair.sites.map(function (site) {
              const item = charts.markItem(view, site, flat.length > 2500 ? 5 : 9);
              return Object.assign(item, { value: [site.scores[state.x], site.scores[state.y]], about: charts.about(site) });
            }),
          };
        }).concat(legend.series),
      });
    },
  });

  /* Models that have the number and the statistic. */
  function models(report, state) {
    return report.models.map(function (model) {
      const of = reports.statistics(model, state.score, state.view);
      const number = (model.source.numbers || {})[state.number];
      return { model: model, x: of ? of[state.statistic] : null, y: number === undefined ? null : number };
    }).filter(function (point) { return point.x !== null && point.x !== undefined && point.y !== null; });
  }

  function numberCorrelations(report, state) {
    const points = models(report, state);
    return both(points.map(function (point) { return point.x; }), points.map(function (point) { return point.y; }));
  }

  function statisticTitle(name) {
    return reports.STATISTICS.filter(function (entry) { return entry[0] === name; })[0][1];
  }

  charts.all.push({
    id: 'against', file: 'number', title: 'Number against statistic',
    available: function (report) { return reports.numbers(report).length > 0; },
    pages: function () { return 1; },
    height: function (report, view) { return view.width < 600 ? 320 : 400; },
    option: function (report, view) {
      const state = view.state;
      const theme = view.theme;
      const points = models(report, state);
      const named = points.length <= NAMED_MOST;
      const x = charts.range(points.map(function (point) { return point.x; }), 6);
      const y = charts.range(points.map(function (point) { return point.y; }), 5);
      const sides = named ? labelSides(points, view, x, y) : [];
      return Object.assign(charts.base(view), {
        title: charts.caption(view, view.width < 600 ? '' : line(numberCorrelations(report, state))),
        grid: GRID,
        xAxis: charts.valueAxis(view, statisticTitle(state.statistic) + ' of ' + Affinis.text.score(state.score),
          x, { nameGap: 30 }),
        yAxis: charts.valueAxis(view, Affinis.text.shorten(state.number, 40), y, { nameGap: 46 }),
        series: [{
          type: 'scatter', id: 'models', symbolSize: 11, emphasis: { disabled: true },
          label: {
            show: named, distance: 6, color: theme.text, fontSize: 12,
            formatter: function (params) { return params.data.about().point.model.short; },
          },
          data: points.map(function (point, i) {
            const faded = !reports.isShown(state, point.model);
            return {
              value: [point.x, point.y], about: charts.about({ point: point }), label: { opacity: faded ? 0.15 : 1, position: sides[i], show: Boolean(sides[i]) },
              itemStyle: { color: Affinis.themes.colour(theme, point.model.index), opacity: faded ? 0.1 : 1 },
            };
          }),
        }],
      });
    },
  });

  /* On which side of its point each name has room: inside the chart, over no other point or name; undefined where there is none. */
  function labelSides(points, view, x, y) {
    const width = view.width - GRID.left - GRID.right;
    const height = view.height - GRID.top - GRID.bottom;
    const places = points.map(function (point) {
      return [width * (point.x - x.min) / (x.max - x.min), height * (y.max - point.y) / (y.max - y.min)];
    });
    const taken = places.map(function (place) { return [place[0] - 6, place[1] - 6, place[0] + 6, place[1] + 6]; });
    return points.map(function (point, i) {
      const long = charts.textWidth(point.model.short, 12) + 4;
      const px = places[i][0];
      const py = places[i][1];
      const boxes = {
        right: [px + 8, py - 8, px + 8 + long, py + 8], left: [px - 8 - long, py - 8, px - 8, py + 8],
        top: [px - long / 2, py - 24, px + long / 2, py - 8], bottom: [px - long / 2, py + 8, px + long / 2, py + 24],
      };
      const side = Object.keys(boxes).filter(function (name) {
        const box = boxes[name];
        return box[0] > -GRID.left && box[2] < width + GRID.right && box[1] > -GRID.top && box[3] < height &&
          taken.every(function (other) { return box[2] <= other[0] || box[0] >= other[2] || box[3] <= other[1] || box[1] >= other[3]; });
      })[0];
      if (side) {
        taken.push(boxes[side]);
      }
      return side;
    });
  }

  charts.scoreCorrelations = scoreCorrelations;
  charts.numberCorrelations = numberCorrelations;
})();
