/* Signatures, overlaid and as small multiples: one score of every site over depth. */
(function () {
  'use strict';

  const charts = Affinis.charts;
  const reports = Affinis.report;
  const PER_PAGE = 24; // small multiples in one picture
  const MANY = 2500; // points beyond which marks are small and nothing lights up when pointed at
  const SHADED_MOST = 2; // published ranges that can be shaded over each other
  const BACKGROUND_MOST = 12; // models whose lines stand behind each small multiple

  function depthOf(state, site) {
    return state.depth === 'relative' ? site.relative : site.depth;
  }

  function depthTitle(state) {
    return state.depth === 'relative' ? 'relative depth' : 'depth (site, in order of execution)';
  }

  function depthBounds(state, report) {
    const last = report.models.reduce(function (most, model) { return Math.max(most, model.source.layers.length - 1); }, 1);
    return state.depth === 'relative' ? { min: 0, max: 1, interval: 0.2 } : { min: 0, max: last, minInterval: 1 };
  }

  function sitesOf(report, state) {
    return report.models.map(function (model) { return reports.sites(report, model, state.view); });
  }

  function valuesOf(all, state) {
    const values = [];
    all.forEach(function (sites) {
      sites.forEach(function (site) {
        const value = reports.value(site, state.score);
        if (value !== null) {
          values.push(value);
        }
      });
    });
    return values;
  }

  function line(view, model, sites, size, faded) {
    const state = view.state;
    const colour = Affinis.themes.colour(view.theme, model.index);
    return {
      id: model.id, name: model.id, type: 'line', symbol: 'none', silent: faded, triggerLineEvent: true, z: faded ? 2 : 3, connectNulls: true, showAllSymbol: true,
      itemStyle: { color: colour, opacity: faded ? 0.08 : 1 },
      lineStyle: { color: colour, width: 2, type: Affinis.themes.dash(view.theme, model.index), opacity: faded ? 0.1 : 0.85 },
      emphasis: { disabled: true },
      data: sites.filter(function (site) { return reports.value(site, state.score) !== null; }).map(function (site) {
        return Object.assign({ value: [depthOf(state, site), reports.value(site, state.score)], about: charts.about(site) }, charts.markItem(view, site, size));
      }),
    };
  }

  /* Sites without the score: crosses at the bottom, so that none is silently absent. */
  function missing(view, model, sites, bottom) {
    const state = view.state;
    const faded = !reports.isShown(state, model);
    const without = sites.filter(function (site) { return reports.value(site, state.score) === null; });
    return {
      type: 'scatter', id: 'missing ' + model.id, silent: faded, z: 4, clip: false,
      symbol: 'path://M-1,-0.7L-0.7,-1L0,-0.3L0.7,-1L1,-0.7L0.3,0L1,0.7L0.7,1L0,0.3L-0.7,1L-1,0.7L-0.3,0Z', symbolSize: 8,
      itemStyle: { color: Affinis.themes.colour(view.theme, model.index), opacity: faded ? 0.08 : 1 }, emphasis: { disabled: true },
      data: without.map(function (site) { return { value: [depthOf(state, site), bottom], about: charts.about(site) }; }),
    };
  }

  /* The published networks that a state asks for: all, or the nearest of each model shown. */
  function publishedNetworks(report, state) {
    if (!report.data.published || state.published === 'none' || state.score !== 'affinity') {
      return [];
    }
    const nearest = new Set();
    report.models.forEach(function (model) {
      if (reports.isShown(state, model) && (model.source.nearest || []).length > 0) {
        nearest.add(model.source.nearest[0].name);
      }
    });
    return report.data.published.networks.filter(function (network) {
      return state.published === 'all' ? network.modules.length > 0 : nearest.has(network.name);
    });
  }

  /* A published network as a thin line behind; one of which three numbers are known as its median over all depths, the range shaded. */
  function published(view, network, shaded) {
    const state = view.state;
    const colour = view.theme.axis;
    const name = Affinis.text.shorten(network.name, 18);
    const series = {
      type: 'line', id: 'published ' + network.name, symbol: 'circle', symbolSize: 3, z: 1, emphasis: { disabled: true }, data: [],
      lineStyle: { color: colour, width: 1.2, type: 'solid' }, itemStyle: { color: colour },
    };
    if (network.modules.length === 0) {
      const label = { show: true, position: 'end', color: view.theme.muted, fontSize: 11, formatter: function () { return name; } };
      series.markLine = {
        silent: true, symbol: 'none', data: [{ yAxis: network.median }], lineStyle: { color: colour, type: 'dashed', width: 1.2 }, label: label,
      };
      series.markArea = {
        silent: true, itemStyle: { color: colour, opacity: 0.13 },
        data: shaded ? [[{ yAxis: network.minimum }, { yAxis: network.maximum }]] : [],
      };
      return series;
    }
    const values = [];
    network.modules.forEach(function (calls) {
      if (state.view === 'calls') {
        calls.forEach(function (value) { values.push(value); });
      } else {
        values.push(calls.reduce(function (sum, value) { return sum + value; }, 0) / calls.length);
      }
    });
    series.endLabel = { show: true, formatter: function () { return name; }, color: view.theme.muted, fontSize: 11 };
    series.labelLayout = { hideOverlap: true };
    series.data = values.map(function (value, i) {
      const depth = state.depth === 'relative' ? (values.length > 1 ? i / (values.length - 1) : 0.5) : i;
      return { value: [depth, value], about: charts.about({ published: network, value: value }) };
    });
    return series;
  }

  function usedMarks(report, all) {
    const used = new Set();
    all.forEach(function (sites) { sites.forEach(function (site) { used.add(site.mark); }); });
    return Array.from(report.marks.values()).filter(function (mark) { return used.has(mark); });
  }

  charts.all.push({
    id: 'signatures', file: 'signatures', title: 'Signatures',
    available: function (report) { return report.models.length > 0; },
    pages: function () { return 1; },
    height: function (report, view) {
      return Math.max(view.width < 600 ? 320 : 440, view.legend ? charts.legendHeight(report) : 0);
    },
    option: function (report, view) {
      const state = view.state;
      const all = sitesOf(report, state);
      const networks = publishedNetworks(report, state);
      const shaded = networks.filter(function (network) { return network.modules.length === 0; }).length <= SHADED_MOST;
      const lines = networks.map(function (network) { return published(view, network, shaded); });
      const values = valuesOf(all, state);
      const many = values.length > MANY;
      networks.forEach(function (network) { values.push(network.minimum, network.maximum); });
      const bounds = charts.range(values, 6);
      const legend = charts.legend(report, view, usedMarks(report, all));
      const series = report.models.map(function (model, i) {
        return line(view, model, all[i], many ? 4 : view.width < 600 ? 6 : 8, !reports.isShown(state, model));
      });
      const without = report.models.map(function (model, i) { return missing(view, model, all[i], bounds.min); })
        .filter(function (item) { return item.data.length > 0; });
      const room = lines.length > 0 ? 90 : 18;
      const depth = depthBounds(state, report);
      if (lines.length > 0 && state.depth === 'absolute') {
        lines.forEach(function (item) { depth.max = Math.max(depth.max, item.data.length - 1); });
      }
      return Object.assign(charts.base(view), {
        grid: { left: 66, right: legend.width + room, top: 16, bottom: 50 },
        legend: legend.components,
        xAxis: charts.valueAxis(view, depthTitle(state), depth, { nameGap: 30, splitLine: { show: false } }),
        yAxis: charts.valueAxis(view, Affinis.text.score(state.score), bounds, { nameGap: 44 }),
        series: lines.concat(series, without, legend.series),
      });
    },
  });

  function columns(width) {
    return width < 480 ? 1 : width < 720 ? 2 : width < 960 ? 3 : 4;
  }

  function panelModels(report, state) {
    return report.models.slice(state.page * PER_PAGE, (state.page + 1) * PER_PAGE);
  }

  /* The lines of all other models as one, with gaps: drawn for every panel, it has to be quick. */
  function behind(view, all, except) {
    const state = view.state;
    const data = [];
    all.forEach(function (sites, other) {
      if (other !== except) {
        sites.forEach(function (site) {
          const value = reports.value(site, state.score);
          if (value !== null) {
            data.push([depthOf(state, site), value]);
          }
        });
        data.push([null, null]);
      }
    });
    return {
      type: 'line', silent: true, z: 1, showSymbol: false, connectNulls: false, emphasis: { disabled: true }, data: data,
      lineStyle: { color: view.theme.faint, width: 1, opacity: 0.7 },
    };
  }

  const PANEL = 158; // pixels of a small multiple with its title and axis
  const TOP = 26;
  const FOOT = 34;

  charts.all.push({
    id: 'multiples', file: 'small-multiples', title: 'Small multiples',
    available: function (report) { return report.models.length > 1; },
    pages: function (report) { return Math.ceil(report.models.length / PER_PAGE); },
    height: function (report, view) {
      return Math.ceil(panelModels(report, view.state).length / columns(view.width)) * PANEL + FOOT;
    },
    option: function (report, view) {
      const state = view.state;
      const theme = view.theme;
      const all = sitesOf(report, state);
      const bounds = charts.range(valuesOf(all, state), 3);
      const models = panelModels(report, state);
      const across = columns(view.width);
      const left = 46;
      const gap = 16;
      const panel = (view.width - left - 10 - gap * (across - 1)) / across;
      const option = Object.assign(charts.base(view), { title: [], grid: [], xAxis: [], yAxis: [], series: [] });
      models.forEach(function (model, i) {
        const column = i % across;
        const row = Math.floor(i / across);
        const x = left + column * (panel + gap);
        const lowest = i + across >= models.length;
        option.title.push({
          text: Affinis.text.shorten(model.name, Math.max(8, Math.floor(panel / 7.5))), left: x, top: row * PANEL + 4, padding: 0,
          textStyle: { fontSize: 12, fontWeight: 600, color: reports.isShown(state, model) ? theme.text : theme.faint },
        });
        option.grid.push({ left: x, top: row * PANEL + TOP, width: panel, height: PANEL - TOP - 24 });
        option.xAxis.push(charts.valueAxis(view, lowest && column === 0 ? depthTitle(state) : '', Object.assign(depthBounds(state, report), state.depth === 'relative' ? { interval: 0.5 } : {}), {
          gridIndex: i, nameGap: 24, splitLine: { show: false }, nameTextStyle: { color: theme.text, fontSize: 12 },
          nameLocation: 'start', splitNumber: 3,
          axisLabel: { show: true, color: theme.muted, fontSize: 11, hideOverlap: true, alignMinLabel: 'left', alignMaxLabel: 'right' },
        }));
        if (lowest && column === 0) {
          Object.assign(option.xAxis[i], {
            nameTextStyle: { color: theme.text, fontSize: 12, align: 'left', verticalAlign: 'top', padding: [22, 0, 0, 0] }, nameGap: 0,
          });
        }
        option.yAxis.push(charts.valueAxis(view, '', bounds, {
          gridIndex: i, splitNumber: 3,
          axisLabel: { show: column === 0, color: theme.muted, fontSize: 11, formatter: charts.tick },
        }));
        if (report.models.length <= BACKGROUND_MOST) {
          option.series.push(Object.assign(behind(view, all, model.index), { id: 'behind ' + i, xAxisIndex: i, yAxisIndex: i }));
        }
        const own = line(view, model, all[model.index], all[model.index].length > 60 ? 3 : 6, !reports.isShown(state, model));
        const without = missing(view, model, all[model.index], bounds.min);
        [own, without].forEach(function (series) { option.series.push(Object.assign(series, { xAxisIndex: i, yAxisIndex: i })); });
      });
      return option;
    },
  });
})();
