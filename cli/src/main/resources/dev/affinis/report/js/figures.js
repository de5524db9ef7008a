/* The charts on the page: drawn when they come into sight, redrawn when what they show changes, saved and printed as pictures. */
Affinis.figures = (function () {
  'use strict';

  const { element } = Affinis.dom;
  /* All but the tooltip: ECharts may still be moving it. */
  const REPLACED = ['title', 'legend', 'grid', 'xAxis', 'yAxis', 'visualMap', 'series'];
  const SAVED_WIDTH = 1000; // pixels of a picture
  const PRINTED_WIDTH = 820;
  const PNG_RATIO = 2;
  const GAP = 14; // pixels between a point and its tooltip

  /* What a figure needs from the page: {report, state(), theme(), choose: of a model, say: an announcement}. */
  function create(holder, chart, page) {
    const canvas = element('div', { className: 'canvas', role: 'img' });
    const paper = element('div', { className: 'paper', 'aria-hidden': 'true' });
    const pager = element('span', {});
    const heading = holder.querySelector('h3');
    const bar = element('div', { className: 'bar' }, heading, pager,
      element('button', { type: 'button', 'aria-label': 'Save ' + chart.title + ' as SVG', onclick: () => saveSvg(chart, page) }, 'SVG'),
      element('button', { type: 'button', 'aria-label': 'Save ' + chart.title + ' as PNG', onclick: () => savePng(chart, page) }, 'PNG'));
    holder.replaceChildren(bar, canvas, paper);
    const figure = { holder: holder, chart: chart, canvas: canvas, paper: paper, pager: pager, drawn: null, stale: true, seen: false };
    new IntersectionObserver((entries) => {
      figure.seen = entries[entries.length - 1].isIntersecting;
      refresh(figure, page);
    }, { rootMargin: '300px' }).observe(holder);
    reserve(figure, page);
    return figure;
  }

  function viewOf(figure, page) {
    const state = page.state();
    const view = {
      state: state, theme: page.theme(), width: figure.canvas.clientWidth, height: 0, legend: false,
      tooltip: (about) => Affinis.tooltip.about(about, state),
      place: (point, size, room) => place(figure.canvas, point, size, room),
    };
    view.height = Math.ceil(figure.chart.height(page.report, view));
    return view;
  }

  /* A tooltip keeps within the chart sideways, and within the window up and down. */
  function place(canvas, point, size, room) {
    const right = point[0] + GAP + size[0] <= room[0] ? point[0] + GAP : point[0] - GAP - size[0];
    const top = canvas.getBoundingClientRect().top;
    const lowest = window.innerHeight - top - size[1] - GAP;
    return [Math.max(0, Math.min(right, room[0] - size[0])), Math.max(GAP - top, Math.min(point[1] + GAP, lowest))];
  }

  /* The room that the chart will take, so that the page does not jump when it is drawn. */
  function reserve(figure, page) {
    const view = viewOf(figure, page);
    figure.canvas.style.height = view.height + 'px';
    return view;
  }

  function refresh(figure, page) {
    if (!figure.seen || !figure.stale || figure.canvas.clientWidth === 0) {
      return;
    }
    const view = reserve(figure, page);
    if (!figure.drawn) {
      figure.drawn = echarts.init(figure.canvas, null, { renderer: 'canvas', width: view.width, height: view.height });
      figure.drawn.on('click', (event) => choose(event, page));
      figure.drawn.on('finished', () => performance.mark('affinis.drawn ' + figure.chart.id));
    } else {
      figure.drawn.resize({ width: view.width, height: view.height });
    }
    figure.drawn.setOption(figure.chart.option(page.report, view), { replaceMerge: REPLACED });
    figure.stale = false;
    const shown = view.state.isolated === null ? Affinis.details.lead(page.report) : 'model ' + page.report.models[view.state.isolated].name;
    figure.canvas.setAttribute('aria-label', figure.chart.title + ' of ' + Affinis.text.score(view.state.score) + ': ' + shown + '. The numbers are in the tables of this page.');
  }

  function choose(event, page) {
    const about = event.data && event.data.about && event.data.about();
    const model = about ? about.model || (about.point || about.row || {}).model : page.report.models.find((one) => one.id === event.seriesId);
    if (model) {
      page.choose(model.index);
    }
  }

  function invalidate(figure, page) {
    figure.stale = true;
    turnPages(figure, page);
    reserve(figure, page);
    refresh(figure, page);
  }

  /* Buttons to the other pages of a chart that has several. */
  function turnPages(figure, page) {
    const count = figure.chart.pages(page.report);
    const at = page.state().page;
    if (count < 2) {
      return;
    }
    const step = (to, label, sign) => element('button', { type: 'button', 'aria-label': label, disabled: to < 0 || to >= count, onclick: () => page.turn(to) }, sign);
    figure.pager.replaceChildren(step(at - 1, 'Earlier models', '\u2190'), ' ' + (at + 1) + ' of ' + count + ' ', step(at + 1, 'Later models', '\u2192'));
  }

  function download(name, address) {
    const link = element('a', { href: address, download: name });
    document.body.append(link);
    link.click();
    link.remove();
  }

  function fileName(chart, page, ending) {
    return 'affinis-' + chart.file + '-' + page.state().score.replace(/[^A-Za-z0-9_]+/g, '-').slice(0, 60) + ending;
  }

  function saveSvg(chart, page) {
    const address = URL.createObjectURL(new Blob([Affinis.drawing.svg(page.report, chart, page.state(), SAVED_WIDTH)], { type: 'image/svg+xml' }));
    download(fileName(chart, page, '.svg'), address);
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  }

  function savePng(chart, page) {
    download(fileName(chart, page, '.png'), Affinis.drawing.png(page.report, chart, page.state(), SAVED_WIDTH, PNG_RATIO));
  }

  /* On paper charts are pictures of lines, in light colours, whatever the screen shows. */
  function print(figure, page) {
    if (figure.holder.closest('[hidden]')) {
      return;
    }
    const parser = new DOMParser();
    figure.paper.replaceChildren(...Affinis.drawing.pages(page.report, figure.chart, page.state(), PRINTED_WIDTH)
      .map((picture) => document.importNode(parser.parseFromString(picture.svg, 'image/svg+xml').documentElement, true)));
  }

  function printed(figure) {
    figure.paper.replaceChildren();
  }

  return { create: create, invalidate: invalidate, print: print, printed: printed };
})();
