/* What the charts share. A chart is {id, title, file, available, pages, height, option}: data and a view become an ECharts option.
   A view is {state, theme, width, height, legend: whether the chart carries its own, tooltip: content for what a point is about, or null,
   place: of the tooltip}. */
Affinis.charts = (function () {
  'use strict';

  const LEGEND_MOST = 40; // models in a legend inside a chart
  const ROW = 20; // pixels

  function base(view) {
    return {
      animation: false,
      backgroundColor: 'transparent',
      textStyle: { fontFamily: view.theme.font, color: view.theme.text },
      tooltip: view.tooltip ? tooltip(view) : { show: false },
    };
  }

  function tooltip(view) {
    return {
      trigger: 'item', transitionDuration: 0, padding: 10,
      position: function (point, params, box, rectangle, size) { return view.place(point, size.contentSize, size.viewSize); },
      backgroundColor: view.theme.surface, borderColor: view.theme.axis,
      textStyle: { color: view.theme.text, fontSize: 12 },
      formatter: function (params) {
        return params.data && params.data.about ? view.tooltip(params.data.about()) : '';
      },
    };
  }

  /* A range that ends at round numbers and has about so many steps. */
  function range(values, steps) {
    let low = Infinity;
    let high = -Infinity;
    values.forEach(function (value) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    });
    if (!(low <= high)) {
      low = 0;
      high = 1;
    }
    if (low === high) {
      const margin = Math.abs(low) / 10 || 0.5;
      low -= margin;
      high += margin;
    }
    const raw = (high - low) / steps;
    const power = Math.pow(10, Math.floor(Math.log(raw) / Math.LN10));
    const step = [1, 2, 5, 10].filter(function (factor) { return factor * power >= raw * 0.999; })[0] * power;
    return { min: clean(Math.floor(low / step + 1e-9) * step), max: clean(Math.ceil(high / step - 1e-9) * step), interval: clean(step) };
  }

  function clean(value) {
    return Number(value.toPrecision(12));
  }

  /* The label of a tick: a round number, without the noise of its sum. */
  function tick(number) {
    return String(clean(number)).replace('-', '\u2212');
  }

  function valueAxis(view, title, bounds, more) {
    const theme = view.theme;
    return Object.assign({
      type: 'value', name: title, nameLocation: 'middle', nameTextStyle: { color: theme.text, fontSize: 13 },
      axisLine: { show: true, lineStyle: { color: theme.axis } }, axisTick: { show: true, lineStyle: { color: theme.axis } },
      axisLabel: {
        color: theme.muted, fontSize: 12, hideOverlap: true,
        formatter: tick,
      },
      splitLine: { lineStyle: { color: theme.line } },
    }, bounds, more);
  }

  /* How a site is drawn: its mark; ringed where it has more channels than there are samples. */
  function markItem(view, site, size) {
    const shape = site.mark.shape;
    const item = { symbol: shape.symbol, symbolSize: size * shape.size };
    if (site.wide) {
      item.itemStyle = { borderColor: view.theme.warning, borderWidth: 2 };
    }
    return item;
  }

  /* What a point is about, behind a function: ECharts copies objects in options with all that hangs on them. */
  function about(what) {
    return function () { return what; };
  }

  function textWidth(text, size) {
    return text.length * size * 0.58;
  }

  function longest(names) {
    return names.reduce(function (most, name) { return Math.max(most, name.length); }, 0);
  }

  /* The legend of a chart that stands alone: models by colour and line, sites by mark; series without data carry the marks. */
  function legend(report, view, marks) {
    if (!view.legend) {
      return { width: 0, components: [], series: [] };
    }
    const theme = view.theme;
    const shown = report.models.slice(0, LEGEND_MOST);
    const names = new Map(shown.map(function (model) { return [model.id, model.short]; }));
    const series = marks.map(function (mark, i) {
      names.set('k' + i, mark.title);
      return { id: 'k' + i, name: 'k' + i, type: 'scatter', data: [], symbol: mark.shape.symbol, itemStyle: { color: theme.muted } };
    });
    if (report.models.length > LEGEND_MOST) {
      names.set('more', 'and ' + (report.models.length - LEGEND_MOST) + ' more models');
      series.push({ id: 'more', name: 'more', type: 'scatter', data: [], symbol: 'none', itemStyle: { color: 'transparent' } });
    }
    const width = Math.ceil(12 * 0.58 * longest(Array.from(names.values()))) + 40;
    const part = function (ids, top, itemWidth) {
      return {
        orient: 'vertical', left: view.width - width - 4, top: top, itemGap: 6, itemHeight: 12, itemWidth: itemWidth,
        align: 'left', padding: 0, selectedMode: false, data: ids.map(function (id) { return { name: id }; }),
        textStyle: { color: theme.text, fontSize: 12 }, formatter: function (id) { return names.get(id); },
      };
    };
    const models = shown.map(function (model) { return model.id; }).concat(names.has('more') ? ['more'] : []);
    const kinds = marks.map(function (mark, i) { return 'k' + i; });
    return {
      width: width + 16, series: series,
      components: [part(models, 16, 26), part(kinds, 16 + models.length * ROW + 12, 12)],
    };
  }

  function legendHeight(report) {
    return (Math.min(report.models.length, LEGEND_MOST + 1) + report.marks.size) * ROW + 60;
  }

  /* A line of plain text above a chart. */
  function caption(view, line) {
    return { text: line, left: 8, top: 2, textStyle: { fontSize: 12, fontWeight: 'normal', color: view.theme.muted } };
  }

  return {
    all: [], base: base, about: about, range: range, valueAxis: valueAxis, tick: tick, markItem: markItem, legend: legend,
    legendHeight: legendHeight, caption: caption, textWidth: textWidth, longest: longest,
  };
})();
