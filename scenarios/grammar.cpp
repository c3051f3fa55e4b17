#include "scenarios/grammar.hpp"

#include "scenarios/sheets/sheet_fields.hpp"
#include "scenarios/traces/trace.hpp"

namespace tokwatt::scenarios {
namespace {

constexpr Range kCount{1, 1e12};
constexpr Range kDevices{1, 1024};
constexpr Range kShare{0.001, 1000};
constexpr Range kBytes{0, 1e15};
constexpr Range kTokens{1, 2'147'483'647};
constexpr Range kSpan{0, kLongestSeconds, true};  ///< a duration that simulated time can hold
constexpr Range kInstant{0, kLongestSeconds, false};
constexpr Range kAir{-60, 100};  ///< [degC]
constexpr Range kRate{1e-9, 1e9, false};
constexpr Range kUsers{1, 1e6};
constexpr Range kMonths{1, 360};
constexpr Range kGrowth{-0.5, 0.5};  ///< per month
constexpr Range kInterest{0, 1};     ///< per year

const Choices kUntil{{"drained"}, {}};
Choices trace_formats_to_choose() {
  std::vector<std::string> names = trace_format_names();
  names.insert(names.begin(), "auto");
  for (const char* sessions : {"weka", "otel", "exgentic"}) names.push_back(sessions);
  return {names, {}};
}
const Choices kRoutings{{"least-loaded", "round-robin", "prefix-aware"}, {}};
const Choices kDrafting{drafting_methods(), {}};
const Choices kSchedulings{{"fcfs", "priority", "shortest-first"}, {}};
const Choices kColdStarts{{"storage", "page-cache"}, {}};
const Choices kFaults{{"shutdown", "fan", "power-cap"}, {}};
const Choices kOnFailure{{"fail", "retry"}, {}};
const Choices kFollows{{"replacement", "purchase"}, {}};
const Choices kRented{{"use", "month"}, {}};
const Choices kProcesses{{"poisson", "constant", "gamma", "weibull"}, {}};

}  // namespace

static void fields(Fields& f, WrittenFaults& w) {
  f.here(w.place);
  f.choice(required("kind", "shutdown, fan (it stops) or power-cap"), kFaults, w.kind);
  f.quantity(required("mean_time_between", "of an exponential distribution", {600, 1e12}), Dimension::duration,
             w.mean_time_between);
  f.quantity(optional("for", "how long; without it for good, and a shutdown as long as the sheet says", kSpan),
             Dimension::duration, w.lasts);
  f.quantity(optional("limit", "with power-cap: what the chip may draw", kPositive), Dimension::power, w.limit);
}

static void fields(Fields& f, WrittenSystem& s) {
  f.text(required("sheet", "box: an id, an alias, or a path to a sheet of your own"), s.sheet);
  f.text(optional("mode", "one of the modes in its sheet (tokwatt show lists them); without it none of them"), s.mode);
  f.sections(optional("faults", "what breaks at random, drawn from the seed"), s.faults);
  f.count(optional("count", "equal devices in the box, each as its sheet says (default 1)", kDevices), s.count);
  f.quantity(optional("start_temperature", "of every thermal stage at the start; without it the idle steady state",
                      {-60, 150}),
             Dimension::temperature, s.start_temperature);
  f.text(
      optional("link", "between its devices, where it has several: an id (tokwatt list links), or a path to a sheet"),
      s.link);
  f.text(optional("rental",
                  "it is rented: an id (tokwatt list rentals), a path to a sheet, or a price of each device such as "
                  "\"2.95 USD/h\"; its electricity is in the rent"),
         s.rental);
  f.overrides<BoxSheet>(s.tree);
}

static void fields(Fields& f, WrittenCable& c) {
  f.here(c.place);
  f.texts(required("between", "the two systems that it joins"), c.between);
  f.text(required("type", "link: an id (tokwatt list links), or a path to a sheet"), c.type);
}

static void fields(Fields& f, WrittenLimits& l) {
  f.here(l.place);
  f.places(l.places);
  f.count(optional("max_num_seqs", "sequences that run at once (slots)", kCount), l.max_num_seqs);
  f.count(optional("max_num_batched_tokens", "token budget of a step (n_batch)", kTokens), l.max_num_batched_tokens);
  f.count(optional("micro_batch", "tokens that pass through the model at once (n_ubatch), of llama.cpp", kTokens),
          l.micro_batch);
  f.count(optional("prompt_concurrency", "prompts that go through a step together, of mlx_lm", kCount),
          l.prompt_concurrency);
  f.count(optional("max_model_len", "longest context of a request [tokens]", kTokens), l.max_model_len);
  f.number(optional("memory_utilization", "share of the device memory that the engine takes", kPositiveFraction),
           l.memory_utilization);
  f.count(optional("kv_blocks", "KV blocks; without it what the memory holds", kCount), l.kv_blocks);
  f.count(optional("block_size", "tokens in a KV block", {1, 65'536}), l.block_size);
  f.flag(optional("reserve_full_isl",
                  "admits a request when there is room for its whole prompt (vLLM's scheduler_reserve_full_isl, on "
                  "since 0.19); false: for its first chunk"),
         l.reserve_full_isl);
  f.flag(optional("kv_unified",
                  "slots share one context of max_model_len tokens (llama-server's --kv-unified; default true where "
                  "max_num_seqs is not given): who finds no room makes the requests of all slots fail; false: each "
                  "slot has so much of its own"),
         l.kv_unified);
}

static void fields(Fields& f, WrittenOffload& o) {
  f.here(o.place);
  f.quantity(optional("host", "room in the host's memory", kPositive), Dimension::bytes, o.host);
  f.quantity(optional("disk", "room on disk, for what the host's memory has no room for", kPositive), Dimension::bytes,
             o.disk);
  f.text(
      optional("link", "between the host's memory and each device (tokwatt list links); without it that of the sheet"),
      o.link);
}

static void fields(Fields& f, WrittenSpeculation& s) {
  f.here(s.place);
  f.choice(required("method", "draft: a smaller model; mtp or eagle: a head of the model itself"), kDrafting, s.method);
  f.text(optional("model", "with draft: the smaller model, as `model` of the deployment"), s.model);
  f.text(optional("quant", "with draft: format of its weights; without it that of the deployment"), s.quant);
  f.count(required("tokens", "drafted for each sequence in a step", {1, 64}), s.tokens);
  Key acceptance =
      required("acceptance", "chance that a drafted token is accepted if those before it were, below 1", kFraction);
  acceptance.distribution_not_yet = true;
  f.number(acceptance, s.acceptance);
}

static void fields(Fields& f, WrittenApi& a) {
  f.here(a.place);
  f.text(required("sheet", "prices: an id (tokwatt list apis), or a path to a sheet"), a.sheet);
  f.distribution(
      optional(
          "ttft",
          "until the first token, from when the provider takes the request (default lognormal, median 0.6 s, p99 3 s)",
          kPositive),
      Dimension::duration, a.ttft);
  f.distribution(
      optional("speed", "tokens per time behind the first, drawn for each request, at least 0.01/s (default 80/s)",
               kPositive),
      Dimension::rate, a.speed);
  f.count(optional("requests_per_minute", "that the provider takes of one customer; without it the sheet's", kCount),
          a.requests_per_minute);
  f.count(optional("tokens_per_minute", "prompt and output; without it the sheet's", kCount), a.tokens_per_minute);
  f.section(optional("free_tier", "what costs nothing; without it as the sheet has it"), a.free_tier);
}

static void fields(Fields& f, WrittenDeployment& d) {
  f.here(d.place, &d.keys);
  f.text(required_unless("api", "model",
                         "model: an id, an alias, a path to a sheet, to a Hugging Face config.json or its folder, or "
                         "to a GGUF file"),
         d.model);
  f.text(optional("quant", "format of the weights: an id, or a path to a sheet; a GGUF file has its own"), d.quant);
  f.text(optional("kv", "format of the KV cache: bf16, f16, fp8, q8_0 or q4_0; without it the engine's own"), d.kv);
  f.text(required_unless("api", "engine", "engine: an id, or a path to a sheet"), d.engine);
  f.one_or_more(required_unless("api", "runs_on",
                                "the system it runs on, or a list of systems of one sheet; on all their devices"),
                d.runs_on);
  f.section(optional("api", "in place of all else: a model hosted elsewhere, priced by the token"), d.api);
  f.count(
      optional("tensor_parallel", "devices that share each copy of the model, layer by layer (default 1)", kDevices),
      d.tensor_parallel);
  f.count(optional("replicas", "running copies; tensor_parallel x replicas are the devices it runs on (default 1)",
                   kDevices),
          d.replicas);
  f.number(optional("share", "weight among the deployments on a device that have work at the time (default 1)", kShare),
           d.share);
  f.choice(
      optional("scheduling",
               "which waiting request is next (default fcfs); under priority who gives way when blocks run out too"),
      kSchedulings, d.scheduling);
  f.choice(optional("routing", "which replica gets a request (default least-loaded)"), kRoutings, d.routing);
  f.section(optional("limits", "limits of the engine; without them its defaults"), d.limits);
  f.flag(optional("prefix_cache", "reuse of equal prefixes; without it what the engine does by itself"),
         d.prefix_cache);
  f.quantity(
      optional("cache_ram",
               "of the host, for what slots held before another text came; without it what the engine takes", kBytes),
      Dimension::bytes, d.cache_ram);
  f.section(optional("kv_offload", "copies of KV blocks outside the device, for each replica; needs the prefix cache"),
            d.kv_offload);
  f.section(optional("speculative", "tokens drafted ahead, which one pass of the model verifies"), d.speculative);
  f.choice(optional("cold_start", "where the weights come from at the start; without it they are loaded already"),
           kColdStarts, d.cold_start);
  f.choice(optional("on_failure",
                    "what becomes of requests whose box dies (default fail): they fail, or are sent again at once"),
           kOnFailure, d.on_failure);
  for (const char* key : {"pipeline_parallel", "layers", "prefill", "decode", "kv_transfer", "fallback"}) {
    f.not_yet(key);
  }
}

}  // namespace tokwatt::scenarios

namespace tokwatt::sim {
static void fields(scenarios::Fields& f, RateStage& s) {
  f.quantity(scenarios::required("rate", "arrivals per time; 0/s is a pause", {0, 1e9}), scenarios::Dimension::rate,
             s.rate);
  f.quantity(scenarios::required("for", "how long", scenarios::kSpan), scenarios::Dimension::duration, s.duration);
}
}  // namespace tokwatt::sim

namespace tokwatt::scenarios {

static void fields(Fields& f, WrittenArrivals& a) {
  f.here(a.place, &a.keys);
  f.choice(required("process", "poisson, constant, gamma or weibull"), kProcesses, a.process);
  f.quantity(optional("rate", "mean arrivals per time", kRate), Dimension::rate, a.rate);
  f.number(optional("cv", "standard deviation over mean of the gaps, for gamma and weibull (default 1)", {0.01, 100}),
           a.cv);
  f.sections(optional("stages", "in place of rate: one rate after the other; no arrivals after the last"), a.stages);
}

static void fields(Fields& f, WrittenSessions& s) {
  f.here(s.place, &s.keys);
  f.quantity(optional("rate", "mean sessions begun per time, at random; each goes on in closed loop", kRate),
             Dimension::rate, s.rate);
  f.sections(optional("stages", "in place of rate: one rate after the other; no sessions begin after the last"),
             s.stages);
  f.count(optional("users", "in place of rate: people who begin a session when theirs is over", kUsers), s.users);
  f.distribution(required("turns", "turns of a session"), Dimension::number, s.turns);
  f.distribution(required("think", "time between an answer and the next turn"), Dimension::duration, s.think);
}

static void fields(Fields& f, WrittenObjective& o) {
  f.quantity(optional("ttft", "time to the first token", kSpan), Dimension::duration, o.ttft);
  f.quantity(optional("tpot", "mean time per output token after the first", kSpan), Dimension::duration, o.tpot);
}

static void fields(Fields& f, WrittenPrefix& p) {
  f.count(required("tokens", "tokens of the text that prompts begin with, besides their own", kCount), p.tokens);
  f.count(optional("groups", "how many such texts there are; each request has one of them (default 1)", {1, 1e6}),
          p.groups);
}

static void fields(Fields& f, WrittenStream& s) {
  f.here(s.place, &s.keys);
  f.text(required("name", "name; keys its random numbers"), s.name);
  f.text(required("to", "deployment that serves it"), s.to);
  f.text(optional("trace", "recorded requests: a file, gzip or not"), s.trace);
  f.choice(optional("format", "of the trace (default auto: by its first line)"), trace_formats_to_choose(), s.format);
  f.number(optional("speed", "of the trace: 0.1 stretches it tenfold (default 1)", {1e-6, 1e6}), s.speed);
  f.count(optional("limit", "only the first rows of the trace", kCount), s.limit);
  f.quantity(optional("start", "instant of the trace's earliest row (default 0 s)", kInstant), Dimension::duration,
             s.start);
  f.text(optional("lengths", "beside a trace of format servegen: the client's dataset of lengths"), s.lengths);
  f.section(optional("arrivals", "requests drawn from an arrival process; or when those of a trace without times come"),
            s.arrivals);
  f.count(optional("users", "closed loop: people who think, send, wait for the answer, and think again", kUsers),
          s.users);
  f.section(optional("sessions", "closed loop in turns, each with all that was said before in front of its prompt"),
            s.sessions);
  f.distribution(optional("think", "time that a user thinks"), Dimension::duration, s.think);
  f.distribution(optional("prompt", "prompt tokens; of a session's turn the new ones"), Dimension::number, s.prompt);
  f.distribution(optional("output", "output tokens"), Dimension::number, s.output);
  f.section(optional("prefix", "a text that prompts begin with, such as a system prompt"), s.prefix);
  f.section(optional("slo", "objectives, for goodput"), s.slo);
  f.distribution(optional("thinking", "output tokens in front of the answer's, besides those of output"),
                 Dimension::number, s.thinking);
  f.quantity(optional("timeout", "how long the client waits for the whole answer before it gives up", kSpan),
             Dimension::duration, s.timeout);
  f.count(optional("retries",
                   "times that it sends the same again after a timeout, or when slots that share a "
                   "context ran out of it (default 0)",
                   {0, 1000}),
          s.retries);
  f.distribution(optional("patience", "after what time a person stops the answer, if it is not whole"),
                 Dimension::duration, s.patience);
  f.count(optional("max_in_flight", "requests that the client has out at once; it holds the others back", kCount),
          s.max_in_flight);
  f.count(optional("priority", "under scheduling: priority the lowest goes first (default 0)", {-1e9, 1e9}),
          s.priority);
}

static void fields(Fields& f, WrittenCooling& c) {
  f.quantity(required("target", "what it holds the room at, as far as it can", kAir), Dimension::temperature, c.target);
  f.number(required("cop", "heat that it takes away per electrical energy", {0.1, 100}), c.cop);
  f.quantity(required("max_power", "the most that it draws", {0, 1e7}), Dimension::power, c.max_power);
}

static void fields(Fields& f, WrittenRoom& r) {
  f.quantity(required("heat_capacity", "of its air, furniture and walls", {1, 1e12}), Dimension::heat_capacity,
             r.heat_capacity);
  f.quantity(required("conductance", "to what lies outside, which is at ambient", {1e-3, 1e9}),
             Dimension::thermal_conductance, r.conductance);
  f.quantity(optional("start_temperature", "at the start; without it that outside", kAir), Dimension::temperature,
             r.start_temperature);
  f.section(optional("cooling", "a unit that cools it"), r.cooling);
}

static void fields(Fields& f, WrittenEnvironment& e) {
  f.quantity(optional("ambient", "air that the boxes draw in", kAir), Dimension::temperature, e.ambient);
  f.section(optional("room", "a room that all boxes stand in, and warm"), e.room);
}

static void fields(Fields& f, WrittenPrices& p) {
  f.here(p.place, &p.keys);
  f.quantity(optional("electricity", "electricity; without it its cost is null", kNotNegative),
             Dimension::money_per_energy, p.electricity);
  f.quantity(optional("horizon", "over which hardware loses its value (default 36 months)", kPositive),
             Dimension::duration, p.horizon);
  f.quantity(optional("hardware", "price of the box, in place of its sheet's (of a card: with the machine around it)",
                      kNotNegative),
             Dimension::money, p.hardware);
  f.number(optional("resale", "share of the price that is left at the horizon, in place of the sheet's", kFraction),
           p.resale);
  f.text(optional("tariff", "in place of electricity: an id (tokwatt list tariffs), or a path to a sheet; needs start"),
         p.tariff);
  f.text_map(optional("exchange", "what one unit of a tariff's currency costs: {EUR: 1.10 USD}"), p.exchange);
}

static void fields(Fields& f, WrittenShock& s) {
  f.here(s.place);
  f.count(required("month", "from whose beginning on it holds", kMonths), s.month);
  f.text(optional("hardware", "of what a new box costs: +40 %, or x1.4"), s.hardware);
  f.text(optional("electricity", "of its price"), s.electricity);
  f.text(optional("api", "of what all of `against` and hosted models ask"), s.api);
  f.text(optional("rent", "of what the boxes that are rented cost"), s.rent);
}

static void fields(Fields& f, WrittenLoan& l) {
  f.quantity(required("rate", "nominal rate; a twelfth is charged each month", kInterest), Dimension::interest, l.rate);
  f.count(required("months", "equal payments, one at the end of each month", kMonths), l.months);
}

static void fields(Fields& f, WrittenResale& p) {
  f.here(p.place);
  f.count(required("month", "age of the box", kMonths), p.month);
  f.number(required("low", "share of the price that is left, at the least", {0, 10}), p.low);
  f.number(required("high", "the same at the most", {0, 10}), p.high);
}

static void fields(Fields& f, WrittenPlan& p) {
  f.here(p.place, &p.keys);
  f.count(optional("months", "how long it is (default 36)", kMonths), p.months);
  f.number(
      optional("days_per_month", "such as the one simulated; 21 are working days (default 30.4, all)", {0, 31, true}),
      p.days_per_month);
  f.quantity(optional("growth", "of requests, compounded", kGrowth), Dimension::growth, p.growth);
  f.quantity(optional("electricity_growth", "of its price, compounded", kGrowth), Dimension::growth,
             p.electricity_growth);
  f.quantity(optional("hardware_growth", "of the price of a new box, compounded", kGrowth), Dimension::growth,
             p.hardware_growth);
  f.sections(optional("shocks", "factors on prices, from a month on"), p.shocks);
  f.section(optional("financing", "a loan for the price; without it it is paid at once"), p.financing);
  f.sections(optional("resale",
                      "what is left of the price; straight lines between, from all of it when new. Without it "
                      "as under prices"),
             p.resale);
  f.choice(optional("resale_follows", "replacement (default): what a new box costs then; or purchase: what was paid"),
           kFollows, p.resale_follows);
  f.number(optional("cooling", "energy with that of cooling over energy without (default 1)", {1, 10}), p.cooling);
  f.quantity(optional("discount", "for present values", kInterest), Dimension::interest, p.discount);
  f.text(optional("power_between",
                  "drawn at the wall outside the days' runs: a power, or idle: what the boxes draw with nothing to do "
                  "(default 0 W: switched off)"),
         p.power_between);
  f.number(
      optional("energy_spread", "share by which the energy may be off, either way (default 0.1, assumed)", kFraction),
      p.energy_spread);
  f.choice(optional("rent", "for how long rents are paid: use (default), the days' hours; or month, all of its 730.5"),
           kRented, p.rent);
  f.texts(optional("against",
                   "what to compare with: ids of APIs and rentals (tokwatt list apis, rentals), or a path to "
                   "an API's sheet"),
          p.against);
  f.quantities(optional("wait", "months to wait before buying, the cheapest API of `against` meanwhile", kMonths),
               Dimension::number, p.wait);
}

static void fields(Fields& f, WrittenChange& c) {
  f.instant(required("at", "instant of the change", kInstant), c.at);
  f.quantity(optional("for", "after which the value before comes back", kSpan), Dimension::duration, c.lasts);
  f.here(c.place, &c.keys);
  f.changes(
      optional("set",
               "environment.ambient, prices.electricity, links.N.type or of systems.NAME power.limit, power.supply, "
               "clock.limit, memory.bandwidth, fan.speed or link, and the new value"),
      c.set);
  f.quantity(optional("ramp", "with environment.ambient: how long it takes to get there, in a straight line", kSpan),
             Dimension::duration, c.ramp);
  f.choice(optional("fault",
                    "in place of set: a box dies (shutdown; after `for`, or the time its sheet says, it is up again), "
                    "its fan stops (fan), or it gets no more than limit (power-cap)"),
           kFaults, c.fault);
  f.text(optional("system", "that the fault is of"), c.system);
  f.quantity(optional("limit", "with power-cap: what the chip may draw", kPositive), Dimension::power, c.limit);
}

static void fields(Fields& f, WrittenRecord& r) {
  f.here(r.place);
  f.quantity(optional("every", "between two samples of the series", {1e-6, kLongestSeconds}), Dimension::duration,
             r.every);
  f.flag(optional("requests", "keep a row for every request"), r.requests);
}

static void fields(Fields& f, ModelOverrides& o) { f.overrides<ModelSheet>(o.tree); }
static void fields(Fields& f, QuantOverrides& o) { f.overrides<QuantSheet>(o.tree); }
static void fields(Fields& f, EngineOverridesByUser& o) { f.overrides<EngineSheet>(o.tree); }

void fields(Fields& f, Written& w) {
  f.here(w.place, &w.keys);
  f.text(optional("title", "what it is about"), w.title);
  f.count(optional("seed", "of all random numbers", {0, 9.2e18}), w.seed);
  f.text(optional("start", "date and time at which it starts, quoted: \"2026-11-23 09:00\""), w.start);
  f.quantity(optional("duration", "how long it lasts, at most 106 days; or `until`", kSpan), Dimension::duration,
             w.duration);
  f.choice(optional("until", "drained: until every request has its answer; or `duration`"), kUntil, w.until);
  f.named(optional("systems", "boxes, by name; needed unless every model is hosted elsewhere"), w.systems);
  f.sections(optional("links", "cables between boxes"), w.links);
  f.named(required("deployments", "models served, by name"), w.deployments);
  f.sections(required("workload", "streams of requests; each with trace, arrivals, users or sessions"), w.workload);
  f.section(optional("environment", "surroundings"), w.environment);
  f.section(optional("prices", "prices"), w.prices);
  f.sections(optional("tariff", "in place of prices.electricity: the first rule that holds is the price; needs start"),
             w.tariff);
  f.section(optional("plan", "months and years of such days: cash flow, resale, and what others ask"), w.plan);
  f.sections(optional("timeline", "changes while it runs"), w.timeline);
  f.section(optional("record", "what is kept"), w.record);
  f.named(optional("models", "fields of model sheets to change, by id"), w.models);
  f.named(optional("quants", "fields of quant sheets to change, by id"), w.quants);
  f.named(optional("engines", "fields of engine sheets to change, by id"), w.engines);
}

}  // namespace tokwatt::scenarios
