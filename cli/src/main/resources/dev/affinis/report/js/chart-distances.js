/* Distances between signatures as a heat map in the order of the leaves, with the dendrogram beside it. */
(function () {
  'use strict';

  const charts = Affinis.charts;
  const VALUES_MOST = 12; // models whose distances are written into the cells
  const NAMES_MOST = 60;

  function found(report, state) {
    const of = report.data.distances ? report.data.distances[state.score] : undefined;
    const distances = of ? of[state.view] : undefined;
    return distances && distances.models.length > 1 ? distances : null;
  }

  /* Position and height of every group of the tree: leaves 0 to n - 1 in their order, then one for each merge. */
  function nodes(distances) {
    const list = [];
    distances.order.forEach(function (leaf, position) { list[leaf] = { position: position, height: 0, leaves: [leaf] }; });
    distances.merges.forEach(function (merge) {
      const left = list[merge.left];
      const right = list[merge.right];
      list.push({
        position: (left.position + right.position) / 2, height: merge.height, leaves: left.leaves.concat(right.leaves), left: left, right: right,
      });
    });
    return list;
  }

  /* The group that all leaves of a node are in, or null. */
  function groupOf(distances, node) {
    if (!distances.groups) {
      return null;
    }
    const group = distances.groups[node.leaves[0]];
    return node.leaves.every(function (leaf) { return distances.groups[leaf] === group; }) ? group : null;
  }

  function groupColour(theme, group) {
    return group === null ? theme.axis : Affinis.themes.colour(theme, group + 1);
  }

  /* One brace for each merge: from the left group's height up to the merge's, across, and down to the right group's. */
  function tree(view, distances) {
    return nodes(distances).filter(function (node) { return node.left; }).map(function (node, i) {
      return {
        type: 'line', id: 'merge ' + i, silent: true, showSymbol: false, xAxisIndex: 1, yAxisIndex: 1, emphasis: { disabled: true },
        lineStyle: { color: groupColour(view.theme, groupOf(distances, node)), width: 1.6 },
        data: [
          [node.left.height, node.left.position], [node.height, node.left.position],
          [node.height, node.right.position], [node.right.height, node.right.position],
        ],
      };
    });
  }

  /* Runs of leaves of the same group, as frames on the diagonal. */
  function frames(view, distances) {
    const runs = [];
    if (distances.groups) {
      distances.order.forEach(function (leaf, position) {
        const group = distances.groups[leaf];
        const last = runs[runs.length - 1];
        if (last && last[2] === group) {
          last[1] = position;
        } else {
          runs.push([position, position, group]);
        }
      });
    }
    return {
      type: 'custom', id: 'groups', silent: true, z: 5, data: runs, encode: { x: [0, 1], y: [0, 1] },
      renderItem: function (params, api) {
        const size = api.size([1, 1]);
        const from = api.coord([api.value(0), api.value(0)]);
        const to = api.coord([api.value(1), api.value(1)]);
        return {
          type: 'rect',
          shape: { x: from[0] - size[0] / 2, y: from[1] - size[1] / 2, width: to[0] - from[0] + size[0], height: to[1] - from[1] + size[1] },
          style: { fill: 'none', stroke: groupColour(view.theme, api.value(2)), lineWidth: 3 },
        };
      },
    };
  }

  function layout(report, view, distances) {
    const names = distances.models.map(function (name) {
      return Affinis.text.shorten(report.byName.get(name).name, view.width < 600 ? 12 : 22);
    });
    const shown = names.length <= NAMES_MOST;
    const label = shown ? Math.ceil(charts.textWidth('x', 12) * charts.longest(names)) + 12 : 10;
    const tree = Math.max(50, Math.min(220, view.width * 0.2));
    const side = Math.min(view.width - tree - label - 24, Math.max(240, Math.min(640, names.length * 72)));
    return { names: names, shown: shown, label: label, tree: tree, side: side, foot: (shown ? label * 0.72 : 0) + 62 };
  }

  function cells(view, distances, largest) {
    const data = [];
    distances.order.forEach(function (leaf, x) {
      distances.order.forEach(function (other, y) {
        const value = distances.matrix[leaf][other];
        const far = largest > 0 ? value / largest : 0;
        const pale = view.theme.dark ? far < 0.45 : far > 0.55;
        data.push({
          value: [x, y, value], label: { color: pale ? '#16202b' : '#ffffff' },
          about: charts.about({ distance: value, one: distances.models[leaf], other: distances.models[other] }),
        });
      });
    });
    return data;
  }

  charts.all.push({
    id: 'distances', file: 'distances', title: 'Distances',
    available: function (report) { return report.models.length > 1; },
    pages: function () { return 1; },
    height: function (report, view) {
      const distances = found(report, view.state);
      if (!distances) {
        return 80;
      }
      const sizes = layout(report, view, distances);
      return 12 + sizes.side + sizes.foot;
    },
    option: function (report, view) {
      const theme = view.theme;
      const distances = found(report, view.state);
      if (!distances) {
        return Object.assign(charts.base(view), {
          title: charts.caption(view, 'No distances: fewer than two models have ' + Affinis.text.score(view.state.score) + '.'),
        });
      }
      const sizes = layout(report, view, distances);
      const count = distances.models.length;
      const largest = distances.matrix.reduce(function (most, row) { return Math.max(most, Math.max.apply(null, row)); }, 0);
      const label = function (position) { return sizes.names[distances.order[Number(position)]]; };
      const positions = distances.order.map(function (leaf, i) { return String(i); });
      const category = function (more) {
        return Object.assign({
          type: 'category', data: positions, axisLine: { show: false }, axisTick: { show: false }, splitArea: { show: false },
        }, more);
      };
      const top = distances.merges.reduce(function (most, merge) { return Math.max(most, merge.height); }, 0);
      const left = sizes.tree + sizes.label + 8;
      const method = view.width < 600 ? '' : ' distance';
      return Object.assign(charts.base(view), {
        grid: [
          { left: left, top: 12, width: sizes.side, height: sizes.side },
          { left: 10, top: 12, width: sizes.tree - 10, height: sizes.side },
        ],
        xAxis: [
          category({
            gridIndex: 0, axisLabel: { show: sizes.shown, interval: 0, rotate: 45, color: theme.text, fontSize: count > 30 ? 9 : 12, formatter: label },
          }),
          {
            gridIndex: 1, type: 'value', inverse: true, min: 0, max: top > 0 ? top * 1.04 : 1, splitNumber: sizes.tree < 120 ? 1 : 3,
            axisLine: { show: true, onZero: false, lineStyle: { color: theme.axis } }, splitLine: { show: false },
            axisLabel: { color: theme.muted, fontSize: 11, hideOverlap: true, showMaxLabel: false, formatter: charts.tick },
            name: 'merged at', nameLocation: 'middle', nameGap: 26, nameTextStyle: { color: theme.text, fontSize: 12 },
          },
        ],
        yAxis: [
          category({
            gridIndex: 0, inverse: true,
            axisLabel: { show: sizes.shown, interval: 0, color: theme.text, fontSize: count > 30 ? 9 : 12, formatter: label },
          }),
          { gridIndex: 1, type: 'value', inverse: true, min: -0.5, max: count - 0.5, show: false },
        ],
        visualMap: {
          min: 0, max: largest || 1, calculable: false, orient: 'horizontal', seriesIndex: 0,
          left: left, bottom: 2, itemWidth: 12, itemHeight: Math.max(60, Math.min(180, sizes.side - 100)), text: [Affinis.text.number(largest) + method, '0'], textStyle: { color: theme.text, fontSize: 12 },
          inRange: { color: theme.heat },
        },
        series: [{
          type: 'heatmap', id: 'cells', data: cells(view, distances, largest), emphasis: { disabled: true },
          itemStyle: { borderColor: theme.surface, borderWidth: count > 60 ? 0 : 1 },
          label: {
            show: count <= VALUES_MOST && sizes.side / count >= 36, fontSize: 11,
            formatter: function (params) { return params.value[2].toFixed(2); },
          },
        }].concat(tree(view, distances), [frames(view, distances)]),
      });
    },
  });
})();
