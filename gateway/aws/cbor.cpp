#include "gateway/aws/cbor.hpp"

#include <cmath>
#include <cstring>

namespace holdpoint::aws {
namespace {

constexpr int kNestingMax = 64;

// Written out (RFC 8949, the part that rpc-v2-cbor uses) because nlohmann's reader keeps the last duplicate key.
class Reader {
 public:
  explicit Reader(BytesView bytes) : bytes_(bytes) {}

  Result<Json> document() {
    Json value;
    if (!read(value, 0)) return fail(code_, why_);
    if (at_ != bytes_.size()) return fail(Code::malformed, "bytes after the CBOR value");
    return value;
  }

 private:
  struct Head {
    int major = 0;
    int info = 0;
    std::uint64_t argument = 0;
  };

  bool stop(const char* why, Code code = Code::malformed) {
    why_ = why;
    code_ = code;
    return false;
  }

  bool head(Head& out) {
    if (at_ == bytes_.size()) return stop("CBOR ends early");
    const auto first = static_cast<unsigned char>(bytes_[at_++]);
    out.major = first >> 5;
    out.info = first & 31;
    if (out.info < 24 || out.info == 31) {
      out.argument = static_cast<std::uint64_t>(out.info);
      return true;
    }
    if (out.info > 27) return stop("reserved CBOR length");
    const std::size_t size = std::size_t{1} << (out.info - 24);
    if (bytes_.size() - at_ < size) return stop("CBOR ends early");
    out.argument = 0;
    for (std::size_t i = 0; i < size; ++i) out.argument = out.argument << 8 | static_cast<unsigned char>(bytes_[at_++]);
    return true;
  }

  bool is_break() {
    if (at_ < bytes_.size() && static_cast<unsigned char>(bytes_[at_]) == 0xff) {
      ++at_;
      return true;
    }
    return false;
  }

  bool chunk(const Head& head, std::string& out) {
    if (head.argument > bytes_.size() - at_) return stop("CBOR ends early");
    out.append(bytes_.substr(at_, static_cast<std::size_t>(head.argument)));
    at_ += static_cast<std::size_t>(head.argument);
    return true;
  }

  bool string(const Head& begin, std::string& out) {
    if (begin.info != 31) return chunk(begin, out);
    while (!is_break()) {
      Head part;
      if (!head(part)) return false;
      if (part.major != begin.major || part.info == 31) return stop("malformed CBOR string");
      if (!chunk(part, out)) return false;
    }
    return true;
  }

  bool list(const Head& begin, Json& out, int depth) {
    out = Json::array();
    for (std::uint64_t i = 0; begin.info == 31 ? !is_break() : i < begin.argument; ++i) {
      Json element;
      if (!read(element, depth + 1)) return false;
      out.push_back(std::move(element));
    }
    return true;
  }

  bool map(const Head& begin, Json& out, int depth) {
    out = Json::object();
    for (std::uint64_t i = 0; begin.info == 31 ? !is_break() : i < begin.argument; ++i) {
      Head key_head;
      std::string key;
      if (!head(key_head)) return false;
      if (key_head.major != 3) return stop("a CBOR key is no text");
      if (!string(key_head, key)) return false;
      if (!is_utf8(key)) return stop("a CBOR key is no UTF-8");
      if (out.contains(key)) return stop("duplicate CBOR key");
      Json value;
      if (!read(value, depth + 1)) return false;
      out[key] = std::move(value);
    }
    return true;
  }

  bool simple(const Head& begin, Json& out) {
    switch (begin.info) {
      case 20:
        out = false;
        return true;
      case 21:
        out = true;
        return true;
      case 22:
      case 23:
        out = nullptr;
        return true;
      case 25:
        return stop("CBOR half floats are not supported", Code::unsupported);
      case 26: {
        const auto bits = static_cast<std::uint32_t>(begin.argument);
        float value = 0;
        std::memcpy(&value, &bits, sizeof value);
        return number(value, out);
      }
      case 27: {
        double value = 0;
        std::memcpy(&value, &begin.argument, sizeof value);
        return number(value, out);
      }
      default:
        return stop("unknown CBOR simple value");
    }
  }

  bool number(double value, Json& out) {
    if (!std::isfinite(value)) return stop("a CBOR number is not finite");
    out = value;
    return true;
  }

  bool read(Json& out, int depth) {
    if (depth > kNestingMax) return stop("CBOR nested too deep", Code::too_large);
    Head begin;
    if (!head(begin)) return false;
    if (begin.info == 31 && (begin.major < 2 || begin.major > 5)) return stop("unexpected CBOR break");
    switch (begin.major) {
      case 0:
        out = begin.argument;
        return true;
      case 1:
        if (begin.argument > INT64_MAX) return stop("a CBOR number is out of range");
        out = -1 - static_cast<std::int64_t>(begin.argument);
        return true;
      case 2: {
        std::string bytes;
        if (!string(begin, bytes)) return false;
        out = to_base64(bytes);
        return true;
      }
      case 3: {
        std::string text;
        if (!string(begin, text)) return false;
        if (!is_utf8(text)) return stop("CBOR text is no UTF-8");
        out = std::move(text);
        return true;
      }
      case 4:
        return list(begin, out, depth);
      case 5:
        return map(begin, out, depth);
      case 6:
        if (begin.argument != 1) return stop("a CBOR tag other than a timestamp's", Code::unsupported);
        return read(out, depth + 1);
      default:
        return simple(begin, out);
    }
  }

  BytesView bytes_;
  std::size_t at_ = 0;
  const char* why_ = "";
  Code code_ = Code::malformed;
};

}  // namespace

Result<Json> parse_cbor(BytesView bytes) { return Reader(bytes).document(); }

}  // namespace holdpoint::aws
