// holdpoint doctor: looks at a deployment from outside and says what is wrong and what to do. Changes nothing.
#include <sys/stat.h>
#include <sys/timex.h>

#include <iostream>

#include "ops/cli/commands/context.hpp"
#include "ops/cli/commands/output.hpp"
#include "ops/cli/deployment/access.hpp"
#include "ops/cli/deployment/bus_client.hpp"
#include "ops/cli/deployment/deployment.hpp"
#include "ops/cli/supervisor/ports.hpp"
#include "ops/cli/supervisor/postgres.hpp"
#include "ops/cli/supervisor/state.hpp"

namespace holdpoint::commands {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kJournalBacklogMany = 10000;  // about a second of the auditor's work at full load

enum class Verdict { good, warning, bad };

struct Finding {
  Verdict verdict;
  std::string check;
  std::string text;
};

class Examination {
 public:
  explicit Examination(supervisor::Layout layout) : layout_(std::move(layout)) {}

  void run() {
    files();
    processes();
    database();
    services();
    configuration();
    clock();
    note(Verdict::warning, "checkpoints",
         "they stand beside the log on this host, whose root could rewrite both: copy var/auditor-1/checkpoints to "
         "another host, or let a witness fetch it");
  }
  [[nodiscard]] const std::vector<Finding>& findings() const { return findings_; }

 private:
  void note(Verdict verdict, std::string check, std::string text) {
    findings_.push_back({verdict, std::move(check), std::move(text)});
  }

  void files() {
    bool tight = true;
    const auto check = [&](const fs::path& path) {
      struct stat status {};
      if (::lstat(path.c_str(), &status) != 0) return;
      if (S_ISLNK(status.st_mode)) return;
      if ((status.st_mode & 07) == 0) return;
      tight = false;
      note(Verdict::bad, "files", path.string() + " is open to every account: chmod o= " + path.string());
    };
    check(fs::canonical(layout_.var));
    std::error_code error;
    for (const auto& entry : fs::recursive_directory_iterator(layout_.keys(), error)) check(entry.path());
    if (tight) note(Verdict::good, "files", "var/ is closed to other accounts");
    if (!layout_.privileged) {
      note(Verdict::warning, "files",
           "everything runs as one account; an agent of the same account could read var/. "
           "Run `holdpoint up` as root, and agents as somebody else");
    }
  }

  void processes() {
    const auto state = supervisor::read_state(layout_);
    running_ = state.has_value();
    if (!state) {
      note(Verdict::bad, "processes", "nothing runs: holdpoint up");
      return;
    }
    for (const auto& service : state->services) {
      if (service.condition != "ready") {
        note(Verdict::bad, "processes",
             service.name + " is " + service.condition + " (last: " + service.last_exit + "); see " +
                 layout_.log(service.name).string());
      } else if (service.restarts > 0) {
        note(Verdict::warning, "processes",
             service.name + " was started again " + std::to_string(service.restarts) +
                 " times (last: " + service.last_exit + ")");
      }
      external_database_ = external_database_ && service.name != "postgres";
    }
    note(Verdict::good, "processes", std::to_string(state->services.size()) + " under the supervisor");
  }

  void database() {
    if (!running_ || external_database_) return;
    if (auto up = supervisor::await_postgres(layout_, Duration::zero()); !up) {
      note(Verdict::bad, "database", up.error().context);
    } else {
      note(Verdict::good, "database", "takes connections on " + layout_.postgres_socket().string());
    }
  }

  void services() {
    if (!running_) return;
    auto client = deployment::BusClient::open(layout_);
    if (!client) return note(Verdict::bad, "bus", client.error().context);
    struct Probe {
      std::string service;
      wire::Message question;
    };
    const Probe probes[] = {
        {"configuration", {"ConfigurationRequested"}},
        {"reviews", {"ReviewsRequested", {{"limit", 1}}}},
        {"log", {"LogStatusRequested"}},
        {"masks",
         {"MaskRequested",
          {{"content_type", "text/plain"},
           {"service", "doctor"},
           {"operation", "Doctor"},
           {"protocol", "text"},
           {"direction", "answer"},
           {"length_preserving", false}},
          std::vector<Bytes>{"hello"}}},
        {"gateway.status", {"GatewayStatusRequested"}},
    };
    for (const auto& probe : probes) {
      auto answer = client->ask(probe.service, probe.question, std::chrono::seconds(3));
      if (!answer) {
        note(Verdict::bad, probe.service, answer.error().context);
        continue;
      }
      note(Verdict::good, probe.service, "answers");
      if (probe.service != "gateway.status") continue;
      const auto pending = answer->body.value("journal", Json::object()).value("pending", std::int64_t{0});
      if (pending > kJournalBacklogMany) {
        note(Verdict::warning, "journal", std::to_string(pending) + " entries wait for the auditor");
      }
    }
  }

  void configuration() {
    auto document = deployment::current(layout_);
    if (!document) return note(Verdict::bad, "configuration", document.error().context);
    for (const auto& warning : deployment::warnings(*document)) note(Verdict::warning, "configuration", warning);
    for (const auto& address : document->gateway.listen) {
      if (running_ && !supervisor::listens(address)) note(Verdict::bad, "gateway", "nothing listens on " + address);
    }
    note(Verdict::good, "configuration", "version " + std::to_string(document->version));
  }

  void clock() {
    timex state{};
    if (::adjtimex(&state) == TIME_ERROR || (state.status & STA_UNSYNC) != 0) {
      note(Verdict::warning, "clock",
           "not synchronised, as far as the kernel knows; signatures are refused beyond five "
           "minutes of difference. Install systemd-timesyncd or chrony");
    } else {
      note(Verdict::good, "clock", "synchronised");
    }
  }

  supervisor::Layout layout_;
  std::vector<Finding> findings_;
  bool running_ = false;
  bool external_database_ = true;
};

std::string word(Verdict verdict) {
  if (verdict == Verdict::good) return "ok";
  return verdict == Verdict::warning ? "warning" : "wrong";
}

Result<void> doctor(const Context& context) {
  const auto layout = context.layout();
  if (auto allowed = deployment::check_access(layout); !allowed) return allowed.error();
  Examination examination(layout);
  examination.run();
  bool bad = false;
  Json json = Json::array();
  for (const auto& finding : examination.findings()) {
    bad = bad || finding.verdict == Verdict::bad;
    json.push_back({{"verdict", word(finding.verdict)}, {"check", finding.check}, {"text", finding.text}});
    if (!context.json) {
      std::cout << word(finding.verdict) << std::string(9 - word(finding.verdict).size(), ' ') << finding.check << ": "
                << finding.text << "\n";
    }
  }
  if (context.json) print_json(json);
  if (bad) return fail(Code::unavailable, "something is wrong; the lines above say what");
  return {};
}

}  // namespace

void add_doctor(CLI::App& app, Context& context) {
  CLI::App* command = add_command(app, "doctor", "What is wrong with this deployment, and what to do",
                                  "  holdpoint doctor\n  holdpoint --json doctor");
  command->callback([&context] { context.action = [&context] { return doctor(context); }; });
}

}  // namespace holdpoint::commands
