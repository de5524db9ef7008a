class Taps:
  rows : Dict[str, Tensor]
  layouts : Dict[str, int]
  recent : int
  current : int
  forced : int
  reference : bool
  raw : bool
  left_out : List[str]
  chosen : int
  mask : Tensor
  small_up_to : float
  bounds : Dict[str, List[float]]
  count : int
  muted : bool
  held : Dict[str, Tensor]
  held_facts : Dict[str, str]
  held_layouts : Dict[str, int]
  held_small : Dict[str, Tensor]
  samples : int
  def __init__(self: __torch__.affinis.Taps,
    reference: bool,
    raw: bool,
    forced: int,
    left_out: List[str],
    chosen: int,
    small_up_to: float,
    bounds: Dict[str, List[float]]) -> NoneType:
    self.rows = annotate(Dict[str, Tensor], {})
    self.layouts = annotate(Dict[str, int], {})
    self.recent = -1
    self.current = 0
    self.forced = forced
    self.reference = reference
    self.raw = raw
    self.left_out = left_out
    self.chosen = chosen
    self.mask = torch.empty([0], dtype=11)
    self.small_up_to = small_up_to
    self.bounds = bounds
    self.count = 0
    self.muted = False
    self.held = annotate(Dict[str, Tensor], {})
    self.held_facts = annotate(Dict[str, str], {})
    self.held_layouts = annotate(Dict[str, int], {})
    self.held_small = annotate(Dict[str, Tensor], {})
    self.samples = 0
    return None
  def produced(self: __torch__.affinis.Taps,
    layout: int,
    x: Tensor) -> Tensor:
    torch._set_item(self.layouts, str(torch.size(x)), layout)
    self.recent = layout
    return x
  def input(self: __torch__.affinis.Taps,
    x: Tensor) -> Tensor:
    if torch.eq(self.samples, 0):
      self.counted(x)
    else:
      pass
    if torch.ge(torch.dim(x), 4):
      result = self.produced(0, x)
    else:
      if torch.eq(torch.dim(x), 3):
        result = self.produced(1, x)
      else:
        result = x
    return result
  def swapped(self: __torch__.affinis.Taps,
    x: Tensor) -> Tensor:
    if torch.eq(torch.dim(x), 3):
      before = [torch.size(x, 0), torch.size(x, 2), torch.size(x, 1)]
      known = self.known(str(before))
      result = self.produced(torch.sub(1, known), x)
    else:
      result = x
    return result
  def known(self: __torch__.affinis.Taps,
    size: str) -> int:
    if torch.__contains__(self.layouts, size):
      layout = self.layouts[size]
    else:
      if torch.ge(self.recent, 0):
        layout = self.recent
      else:
        layout = 0
    return layout
  def layout(self: __torch__.affinis.Taps,
    x: Tensor) -> int:
    if torch.ge(self.forced, 0):
      layout = self.forced
    else:
      layout = self.known(str(torch.size(x)))
    return layout
  def positions(self: __torch__.affinis.Taps,
    x: Tensor) -> List[int]:
    n = torch.dim(x)
    axes = annotate(List[int], [])
    if torch.eq(self.current, 1):
      axes = list(range(1, torch.sub(n, 1)))
    else:
      axes = list(range(2, n))
    return axes
  def pooled(self: __torch__.affinis.Taps,
    kind: str,
    x: Tensor) -> Tensor:
    n = torch.dim(x)
    axes = annotate(List[int], [])
    if self.reference:
      if torch.eq(n, 3):
        axes = [2]
      else:
        axes = list(range(2, n))
    else:
      axes = self.positions(x)
    if self.masks(kind, x):
      rows = self.masked_mean(x)
    else:
      rows = self.mean(self.tokens(kind, x), axes)
    return rows
  def take_mask(self: __torch__.affinis.Taps,
    mask: Tensor) -> NoneType:
    self.mask = torch.ne(mask, 0)
    return None
  def masks(self: __torch__.affinis.Taps,
    kind: str,
    x: Tensor) -> bool:
    masks = False
    if torch.eq(torch.dim(x), 3):
      if torch.ne(kind, "softmax"):
        tokens = torch.size(x, torch.sub(2, self.current))
        masks = torch.eq([torch.size(x, 0), tokens], torch.size(self.mask))
      else:
        pass
    else:
      pass
    return masks
  def masked_mean(self: __torch__.affinis.Taps,
    x: Tensor) -> Tensor:
    dtype = 6
    if torch.eq(ops.prim.dtype(x), 7):
      dtype = 7
    else:
      pass
    padding = torch.unsqueeze(torch.logical_not(self.mask), torch.add(1, self.current))
    kept = torch.masked_fill(x, padding, 0)
    total = torch.sum(kept, [torch.sub(2, self.current)], False, dtype=dtype)
    return torch.div(total, torch.sum(self.mask, [1], True, dtype=dtype))
  def tokens(self: __torch__.affinis.Taps,
    kind: str,
    x: Tensor) -> Tensor:
    chosen = 0
    if torch.eq(torch.dim(x), 3):
      if torch.ne(kind, "softmax"):
        chosen = torch.mul(self.chosen, self.current)
      else:
        pass
    else:
      pass
    if torch.eq(chosen, 1):
      tokens = torch.slice(x, 1, 0, 1)
    else:
      if torch.eq(chosen, 2):
        tokens = torch.slice(x, 1, 1)
      else:
        tokens = x
    return tokens
  def mean(self: __torch__.affinis.Taps,
    x: Tensor,
    axes: List[int]) -> Tensor:
    dtype = 6
    if torch.eq(ops.prim.dtype(x), 7):
      dtype = 7
    else:
      pass
    if torch.eq(torch.len(axes), 0):
      rows = torch.to(x, dtype, False, True)
    else:
      total = torch.sum(x, axes, False, dtype=dtype)
      rows = torch.div(total, torch.div(torch.numel(x), torch.numel(total)))
    return rows
  def counts(self: __torch__.affinis.Taps,
    scope: str,
    kind: str) -> bool:
    if torch.lt(self.small_up_to, 0.):
      counts = False
    else:
      name = torch.format("{}|{}", scope, kind)
      counts = torch.__not__(torch.__contains__(self.left_out, name))
    return counts
  def counted_values(self: __torch__.affinis.Taps,
    bounds: List[float],
    x: Tensor) -> Tensor:
    if torch.eq(torch.len(bounds), 0):
      counted = torch.le(torch.abs(x), self.small_up_to)
    else:
      low = torch.le(x, torch.add(bounds[0], self.small_up_to))
      high = torch.ge(x, torch.sub(bounds[1], self.small_up_to))
      counted = torch.logical_or(low, high)
    return counted
  def parts(self: __torch__.affinis.Taps,
    x: Tensor) -> List[Tensor]:
    values = ops.prim.max(torch.numel(x), 1)
    samples = torch.floordiv(torch.mul(524288, torch.size(x, 0)), values)
    return torch.split(x, ops.prim.max(samples, 1))
  def share_of(self: __torch__.affinis.Taps,
    counted: Tensor) -> Tensor:
    axes = self.positions(counted)
    if torch.eq(torch.len(axes), 0):
      share = torch.to(counted, 6, False, True)
    else:
      positions = 1
      for i in range(torch.len(axes)):
        positions = torch.mul(positions, torch.size(counted, axes[i]))
      if torch.lt(positions, 32768):
        dtype = 2
      else:
        dtype = 3
      total = torch.to(torch.sum(counted, axes, False, dtype=dtype), 6, False, True)
      share = torch.div(total, positions)
    return share
  def share(self: __torch__.affinis.Taps,
    kind: str,
    bounds: List[float],
    x: Tensor) -> Tensor:
    if torch.lt(torch.dim(x), 1):
      share = self.share_of(self.counted_values(bounds, x))
    else:
      if self.masks(kind, x):
        share = self.masked_mean(self.counted_values(bounds, x))
      else:
        shares = annotate(List[Tensor], [])
        parts = self.parts(x)
        for i in range(torch.len(parts)):
          part = self.counted_values(bounds, parts[i])
          _0 = torch.append(shares, self.share_of(part))
        share = torch.cat(shares)
    return share
  def small(self: __torch__.affinis.Taps,
    kind: str,
    x: Tensor) -> Tensor:
    return self.share(kind, annotate(List[float], []), x)
  def count_post(self: __torch__.affinis.Taps,
    scope: str,
    kind: str,
    facts: str,
    x: Tensor) -> NoneType:
    if self.counts(scope, kind):
      self.store("small_post", facts, self.small(kind, x))
      if torch.__contains__(self.bounds, kind):
        self.store("bounded", facts, self.share(kind, self.bounds[kind], x))
      else:
        pass
    else:
      pass
    return None
  def channels(self: __torch__.affinis.Taps,
    x: Tensor) -> int:
    if torch.lt(torch.dim(x), 2):
      channels = 1
    else:
      if self.reference:
        channels = torch.size(x, 1)
      else:
        if torch.eq(self.current, 1):
          channels = torch.size(x, -1)
        else:
          channels = torch.size(x, 1)
    return channels
  def kept(self: __torch__.affinis.Taps,
    scope: str,
    kind: str,
    x: Tensor) -> Tensor:
    name = torch.format("{}|{}", scope, kind)
    if torch.__contains__(self.left_out, name):
      kept = torch.empty([0], dtype=6)
    else:
      if self.raw:
        kept = torch.clone(x)
      else:
        kept = self.pooled(kind, x)
    return kept
  def facts(self: __torch__.affinis.Taps,
    scope: str,
    kind: str,
    x: Tensor) -> str:
    return torch.format("{}|{}|{}|{}", kind, str(torch.size(x)), self.channels(x), scope)
  def store(self: __torch__.affinis.Taps,
    side: str,
    facts: str,
    kept: Tensor) -> NoneType:
    torch._set_item(self.rows, torch.format("affinis|{}|{}|{}", self.count, side, facts), kept)
    return None
  def pre(self: __torch__.affinis.Taps,
    scope: str,
    kind: str,
    x: Tensor) -> Tensor:
    return self.pre_as(scope, kind, -1, x)
  def pre_as(self: __torch__.affinis.Taps,
    scope: str,
    kind: str,
    layout: int,
    x: Tensor) -> Tensor:
    if self.muted:
      pass
    else:
      if torch.ge(layout, 0):
        self.current = layout
      else:
        self.current = self.layout(x)
      facts = self.facts(scope, kind, x)
      self.store("pre", facts, self.kept(scope, kind, x))
      if self.counts(scope, kind):
        self.store("small_pre", facts, self.small(kind, x))
      else:
        pass
    return x
  def post(self: __torch__.affinis.Taps,
    scope: str,
    kind: str,
    x: Tensor) -> Tensor:
    if self.muted:
      pass
    else:
      self.done(scope, kind, x)
    return x
  def done(self: __torch__.affinis.Taps,
    scope: str,
    kind: str,
    x: Tensor) -> NoneType:
    facts = self.facts(scope, kind, x)
    self.store("post", facts, self.kept(scope, kind, x))
    self.count_post(scope, kind, facts, x)
    self.count = torch.add(self.count, 1)
    return None
  def hold(self: __torch__.affinis.Taps,
    scope: str,
    kind: str,
    name: str,
    x: Tensor) -> NoneType:
    self.current = self.layout(x)
    torch._set_item(self.held, name, self.kept(scope, kind, x))
    torch._set_item(self.held_facts, name, self.facts(scope, kind, x))
    torch._set_item(self.held_layouts, name, self.current)
    if self.counts(scope, kind):
      torch._set_item(self.held_small, name, self.small(kind, x))
    else:
      pass
    return None
  def release(self: __torch__.affinis.Taps,
    name: str) -> NoneType:
    facts = self.held_facts[name]
    self.store("pre", facts, torch.pop(self.held, name))
    if torch.__contains__(self.held_small, name):
      self.store("small_pre", facts, torch.pop(self.held_small, name))
    else:
      pass
    return None
  def begin(self: __torch__.affinis.Taps,
    scope: str,
    kind: str,
    place: str,
    x: Tensor) -> Tensor:
    if torch.is_floating_point(x):
      self.hold(scope, kind, torch.add(scope, place), x)
    else:
      pass
    return x
  def end(self: __torch__.affinis.Taps,
    scope: str,
    kind: str,
    place: str,
    x: Tensor) -> Tensor:
    name = torch.add(scope, place)
    if torch.__contains__(self.held, name):
      self.release(name)
      self.current = self.held_layouts[name]
      self.done(scope, kind, x)
    else:
      pass
    return x
  def beside(self: __torch__.affinis.Taps,
    first: Tensor,
    second: Tensor) -> Tensor:
    n = torch.dim(first)
    if torch.lt(n, 2):
      beside = first
    else:
      axis = 1
      if self.raw:
        if torch.eq(self.current, 1):
          axis = torch.sub(n, 1)
        else:
          pass
      else:
        pass
      beside = torch.cat([first, second], axis)
    return beside
  def end_gate(self: __torch__.affinis.Taps,
    scope: str,
    kind: str,
    place: str,
    x: Tensor) -> Tensor:
    gate = torch.format("{}{}-gate", scope, place)
    value = torch.format("{}{}-value", scope, place)
    both = False
    if torch.__contains__(self.held, gate):
      if torch.__contains__(self.held, value):
        both = torch.eq(self.held_facts[gate], self.held_facts[value])
      else:
        pass
    else:
      pass
    if both:
      self.current = self.held_layouts[gate]
      facts = self.held_facts[gate]
      rows = self.beside(torch.pop(self.held, gate), torch.pop(self.held, value))
      self.store("pre", facts, rows)
      if torch.__contains__(self.held_small, gate):
        small = self.beside(torch.pop(self.held_small, gate), torch.pop(self.held_small, value))
        self.store("small_pre", facts, small)
      else:
        pass
      self.done(scope, kind, x)
    else:
      pass
    return x
  def enter(self: __torch__.affinis.Taps,
    scope: str,
    kind: str,
    place: str,
    x: Tensor) -> Tensor:
    self.hold(scope, kind, torch.add(scope, place), x)
    return x
  def leave(self: __torch__.affinis.Taps,
    scope: str,
    kind: str,
    place: str,
    x: Tensor) -> Tensor:
    self.release(torch.add(scope, place))
    self.current = self.layout(x)
    self.done(scope, kind, x)
    return x
  def mute(self: __torch__.affinis.Taps,
    x: Tensor) -> Tensor:
    self.muted = True
    return x
  def unmute(self: __torch__.affinis.Taps,
    x: Tensor) -> Tensor:
    self.muted = False
    return x
  def hardtanh(self: __torch__.affinis.Taps,
    low: float,
    high: float) -> str:
    if torch.eq(low, 0.):
      six = torch.eq(high, 6.)
    else:
      six = False
    if six:
      kind = "relu6"
    else:
      kind = "hardtanh"
    return kind
  def threshold(self: __torch__.affinis.Taps,
    bound: float,
    value: float) -> str:
    if torch.eq(bound, 0.):
      zero = torch.eq(value, 0.)
    else:
      zero = False
    if zero:
      kind = "relu"
    else:
      kind = "threshold"
    return kind
  def counted(self: __torch__.affinis.Taps,
    x: Tensor) -> NoneType:
    if torch.gt(torch.dim(x), 0):
      self.samples = torch.size(x, 0)
    else:
      pass
    return None
  def post_pair(self: __torch__.affinis.Taps,
    scope: str,
    kind: str,
    pair: Tuple[Tensor, Tensor]) -> Tuple[Tensor, Tensor]:
    x, _0, = pair
    _1 = self.post(scope, kind, x)
    return pair
  def normalised(self: __torch__.affinis.Taps,
    shape: List[int]) -> int:
    if torch.eq(torch.len(shape), 1):
      layout = 1
    else:
      layout = -1
    return layout
  def attends(self: __torch__.affinis.Taps,
    axis: int,
    x: Tensor) -> bool:
    n = torch.dim(x)
    if self.muted:
      result = False
    else:
      if torch.lt(n, 3):
        result = False
      else:
        result = torch.eq(torch.remainder(torch.add(axis, n), n), torch.sub(n, 1))
    return result
  def by_sample(self: __torch__.affinis.Taps,
    x: Tensor) -> Tensor:
    n = torch.size(x, 0)
    result = x
    if torch.gt(self.samples, 0):
      if torch.gt(n, self.samples):
        if torch.eq(torch.remainder(n, self.samples), 0):
          result = torch.unflatten(x, 0, [self.samples, -1])
        else:
          pass
      else:
        pass
    else:
      pass
    return result
  def pre_softmax(self: __torch__.affinis.Taps,
    scope: str,
    kind: str,
    axis: int,
    x: Tensor) -> Tensor:
    if self.attends(axis, x):
      _0 = self.pre_as(scope, kind, 1, self.by_sample(x))
    else:
      pass
    return x
  def post_softmax(self: __torch__.affinis.Taps,
    scope: str,
    kind: str,
    axis: int,
    x: Tensor) -> Tensor:
    if self.attends(axis, x):
      _0 = self.post(scope, kind, self.by_sample(x))
    else:
      pass
    return x
