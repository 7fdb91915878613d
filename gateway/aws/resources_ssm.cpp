// Systems Manager names the machines that a call works on in Targets as well: by id, by tag, by group, or all of them.
#include <algorithm>
#include <array>

#include "gateway/aws/resources.hpp"

namespace holdpoint::aws {
namespace {

struct Targeting {
  std::string_view operation;
  bool always;  ///< works on machines whatever else it says; others only where they bring Targets
};
constexpr std::array<Targeting, 8> kTargeting{{{"SendCommand", true},
                                               {"CreateAssociation", true},
                                               {"CreateAssociationBatch", true},
                                               {"UpdateAssociation", false},
                                               {"RegisterTargetWithMaintenanceWindow", false},
                                               {"RegisterTaskWithMaintenanceWindow", false},
                                               {"UpdateMaintenanceWindowTarget", false},
                                               {"UpdateMaintenanceWindowTask", false}}};

class Machines {
 public:
  explicit Machines(const CallScope& scope) : scope_(scope) {}

  /// What one request (or entry of a batch) names.
  void read(const Json& request, bool always) {
    if (!request.is_object()) return add("*");
    const std::size_t before = found_.size();
    for (const char* const name : {"InstanceIds", "InstanceId"}) {
      if (const auto member = request.find(name); member != request.end()) read_ids(*member);
    }
    if (const auto targets = request.find("Targets"); targets != request.end()) read_targets(*targets);
    if (request.contains("TargetMaps")) add("*");
    if (request.contains("TargetLocations")) {  // other accounts and regions
      for (const char* const type : {"ec2:*:*:instance/*", "ssm:*:*:managed-instance/*"})
        found_.push_back("arn:" + std::string(partition(scope_.region)) + ":" + type);
    }
    if (always && found_.size() == before) add("*");
  }

  std::vector<std::string> take() {
    std::sort(found_.begin(), found_.end());
    found_.erase(std::unique(found_.begin(), found_.end()), found_.end());
    return std::move(found_);
  }

 private:
  void read_ids(const Json& ids) {
    if (ids.is_string()) return add(ids.get<std::string>());
    if (!ids.is_array()) return add("*");
    for (const Json& id : ids) add(id.is_string() ? id.get<std::string>() : "*");
  }

  // [{"Key": "InstanceIds", "Values": ["i-1"]}, …]: only this key says which machines.
  void read_targets(const Json& targets) {
    if (!targets.is_array()) return add("*");
    for (const Json& target : targets) {
      const bool by_id = target.is_object() && string_or(target, "Key") == "InstanceIds" && target.contains("Values");
      if (by_id) {
        read_ids(target.at("Values"));
      } else {
        add("*");
      }
    }
  }

  // "i-…" is EC2's own, "mi-…" a machine elsewhere; anything else may be either.
  void add(const std::string& id) {
    const std::string place = ":" + scope_.region + ":" + scope_.account + ":";
    const std::string arn = "arn:" + std::string(partition(scope_.region)) + ":";
    if (!id.starts_with("mi-")) found_.push_back(arn + "ec2" + place + "instance/" + id);
    if (!id.starts_with("i-")) found_.push_back(arn + "ssm" + place + "managed-instance/" + id);
  }

  const CallScope& scope_;
  std::vector<std::string> found_;
};

}  // namespace

void add_ssm_machines(const OperationModel& operation, const Json& parameters, const CallScope& scope,
                      std::vector<Requirement>& out) {
  const auto* found = std::ranges::find(kTargeting, operation.name, &Targeting::operation);
  if (found == kTargeting.end()) return;
  Machines machines(scope);
  const auto entries = parameters.find("Entries");
  if (operation.name == "CreateAssociationBatch" && entries != parameters.end() && entries->is_array()) {
    for (const Json& entry : *entries) machines.read(entry, found->always);
  } else {
    machines.read(parameters, found->always);
  }
  // In place of what the table's templates made of the ids.
  std::erase_if(out, [](const Requirement& requirement) {
    return requirement.resource.find(":instance/") != std::string::npos ||
           requirement.resource.find(":managed-instance/") != std::string::npos;
  });
  for (std::string& arn : machines.take()) out.push_back({"ssm:" + std::string(operation.name), std::move(arn), {}});
}

}  // namespace holdpoint::aws
