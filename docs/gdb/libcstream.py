"""libcstream.py - shows libcstream's types in gdb. Needs the library with debugging information (-g).

    (gdb) source docs/gdb/libcstream.py
    (gdb) print *s
    readable source R 3/4 [1 chunks] 3 refs <R_PIPED|R_QUEUED|CONSTRUCTED has_readable r_paused>
        listeners {pipe data,end} -> writable sink

(in one line).
A cst_stream has its kind and name, each side's length and mark, references, flags, listeners with
their events, and the pipes that lead out of it. A slice is its bytes, a chain its chunks, a status
its name. Nothing of the program is called. While the fast path calls a slot, the lengths lag: then
`call cst_stream_describe(text, &size, s)` has the right ones.
"""

import gdb

EVENTS = {}


def enumerators(name):
    return gdb.lookup_type(name).fields()


def event_names(bits):
    if not EVENTS:
        for field in enumerators("cst_event_type"):
            if not field.name.endswith("_"):
                EVENTS[field.enumval] = field.name[4:].lower()
    return ",".join(EVENTS.get(n, "internal") for n in range(16) if bits >> n & 1) or "-"


def pointed(value, typename):
    return value.reinterpret_cast(gdb.lookup_type(typename).pointer())


def sides(s):
    """The struct writable before the handle and the struct readable behind it, or None."""
    w = (pointed(s.address, "struct writable") - 1).dereference() if s["has_writable"] else None
    r = pointed(s.address + 1, "struct readable").dereference() if s["has_readable"] else None
    return w, r


def title(s):
    hot = str(s["hot_by_name"])
    kind = ("passthrough" if "IS_PASSTHROUGH" in hot else "transform" if "IS_TRANSFORM" in hot else
            "writable" if not s["has_readable"] else "duplex" if s["has_writable"] else "readable")
    name = s["ops"]["name"]
    return kind if int(name) == 0 or name.string() == kind else "%s %s" % (kind, name.string())


def listeners(s):
    """The listeners as text, and the destinations of the pipes."""
    texts, dests, l = [], [], s["listeners"]
    while int(l) != 0:
        kind = int(l["kind"])
        texts.append("{%s%s}" % ("" if kind == 0 else "pipe ", event_names(int(l["events"]))))
        if kind == 1:  # LISTENER_PIPE_SOURCE
            pipe = gdb.lookup_type("struct cst__pipe")
            offset = next(f.bitpos // 8 for f in all_fields(pipe) if f.name == "on_source")
            start = l.reinterpret_cast(gdb.lookup_type("char").pointer()) - offset
            dests.append(title(pointed(start, "struct cst__pipe")["dest"].dereference()))
        l = l["next"]
    return " ".join(texts), dests


def all_fields(kind):
    """The fields of a struct, those of its nameless members included."""
    for field in kind.fields():
        if field.name:
            yield field
        else:
            yield from all_fields(field.type)


class Stream:
    def __init__(self, value):
        self.s = value

    def to_string(self):
        s = self.s
        text = [title(s)]
        for name, side, row in zip("WR", sides(s), ("queue", "buffer")):
            if side is not None:
                text.append("%s %d/%d [%d chunks]" % (name, side["length"], side["high_water_mark"],
                                                      side[row]["count"]))
        fields = [f.name for f in s.type.strip_typedefs().fields()
                  if f.name and f.bitsize == 1 and s[f.name]]
        hot = str(s["hot_by_name"]).strip("()").replace(" | ", "|")
        text.append("%d refs <%s %s>" % (s["refs"], hot, " ".join(fields)))
        heard, dests = listeners(s)
        if heard:
            text.append("listeners " + heard)
        if dests:
            text.append("-> " + ", ".join(dests))
        return " ".join(text)


def slice_text(value, most=32):
    size = int(value["len"])
    data = gdb.selected_inferior().read_memory(int(value["data"]), min(size, most)) if size else b""
    return "%d bytes %r%s" % (size, bytes(data), "..." if size > most else "")


class Slice:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        return slice_text(self.value)


class Chain:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        return "%d bytes in %d chunks" % (self.value["bytes"], self.value["row"]["count"])

    def children(self):
        row = self.value["row"]
        for i in range(int(row["count"])):
            yield "[%d]" % i, row["items"][int(row["head"]) + i]

    def display_hint(self):
        return "array"


class Status:
    def __init__(self, value):
        self.value = int(value)

    def to_string(self):
        n = -self.value
        for base, name in ((0x20000, "CST_OS"), (0x10000, "CST_USER")):
            if base <= n < base + 0x10000:
                return "%s(%d)" % (name, n - base)
        for field in enumerators("enum cst_status_code"):
            if field.enumval == self.value:
                return field.name
        return str(self.value)


PRINTERS = {"cst_stream": Stream, "cst_slice": Slice, "cst_chain": Chain, "cst_status": Status}


def find(value):
    name = value.type.unqualified().name
    printer = PRINTERS.get(name)
    return printer(value) if printer else None


gdb.pretty_printers.append(find)
