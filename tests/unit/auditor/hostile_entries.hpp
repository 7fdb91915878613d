// Entries that an agent could bring about, or a broken source send: none may stop the log.
#pragma once

#include <string>
#include <vector>

#include "bus/base/encoding.hpp"

namespace holdpoint::auditor {

inline std::vector<Bytes> hostile_entries() {
  const auto event = [](const std::string& data) {
    return R"({"specversion":"1.0","id":"x","source":"gateway-1","type":"holdpoint.operation.intended","subject":"s",)"
           R"("time":"2026-11-01T12:00:00Z","data":)" +
           data + "}";
  };
  std::vector<Bytes> entries{
      event(R"({"operation_id":"\u0000","reason":"nul \u0000 inside","principal":"\u0000\u0000"})"),
      event(R"({"status":1e200000})"),
      event(R"({"status":1e300,"wait_ms":99999999999999999999999})"),
      event(R"({"status":18446744073709551615,"wait_ms":-9223372036854775808})"),
      event(R"({"reason":"\ud800"})"),
      event("{\"reason\":\"\xff\xfe\"}"),
      event("{\"" + std::string(1 << 20, 'k') + "\":1}"),
      event("{\"operation_id\":\"" + std::string(1 << 20, 'v') + "\",\"session_id\":\"" + std::string(9000, 's') +
            "\"}"),
      event(R"({"reason":"tab\t newline\n backslash\\ N \\N \\. ","principal":"\\.\n\\."})"),
      event(R"({"operation_id":{"a":1},"status":"403","findings":"none","session_id":null,"reviewer":true})"),
      event(R"([1,2,3])"),
      event(std::string(200, '[') + std::string(200, ']')),
      event(R"({"a":1,"a":2})"),
      R"({"time":"0000-01-01T00:00:00Z","type":"t"})",
      R"({"time":"1969-12-31T23:59:59Z"})",
      R"({"time":"9999-12-31T23:59:59.999999Z","type":12,"subject":[]})",
      R"({"time":"9999-12-31T23:30:00-01:00"})",
      R"({"time":"9999-12-31T23:59:60Z"})",
      R"({"time":"not a time","type":"\u0000"})",
      "null",
      "[]",
      "\"text\"",
      "not JSON at all",
      Bytes("\0", 1),
      Bytes("\0\xff\x80\r\n\t\\", 7),
      Bytes(1 << 20, '\0'),
      R"(\x41\101\\ \N is no escape of ours)",
  };
  // Every byte among many that stand for themselves.
  Bytes each(2000, 'p');
  for (int byte = 0; byte < 256; ++byte) each += {static_cast<char>(byte), 'p'};
  entries.push_back(std::move(each));
  return entries;
}

}  // namespace holdpoint::auditor
