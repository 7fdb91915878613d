#include "gateway/aws/xml.hpp"

#include <expat.h>

#include <memory>
#include <vector>

namespace holdpoint::aws {
namespace {

struct Element {
  std::string name;
  std::string text;
  Json children = Json::object();
};

std::string local(const char* name) {
  const std::string_view text(name);
  const std::size_t colon = text.find(':');
  return std::string(colon == std::string_view::npos ? text : text.substr(colon + 1));
}

class Builder {
 public:
  Builder(XML_Parser parser, XmlLimits limits) : parser_(parser), limits_(limits) { stack_.emplace_back(); }

  void start(const char* name, const char** attributes) {
    if (stack_.size() > limits_.depth_max) return stop(Code::too_large, "XML nested too deep");
    if (++elements_ > limits_.elements_max) return stop(Code::too_large, "XML with too many elements");
    if (!is_blank(stack_.back().text)) return stop(Code::malformed, "XML with text beside elements");
    Element element;
    element.name = local(name);
    for (; attributes[0] != nullptr; attributes += 2) {
      const std::string_view key(attributes[0]);
      if (key == "xmlns" || key.starts_with("xmlns:")) continue;
      element.children["@" + local(attributes[0])] = std::string(attributes[1]);
    }
    stack_.push_back(std::move(element));
  }

  void end() {
    if (error_) return;
    Element element = std::move(stack_.back());
    stack_.pop_back();
    Json content;
    if (element.children.empty()) {
      content = std::move(element.text);
    } else {
      if (!is_blank(element.text)) {
        // Text with attributes alone is a value; text beside elements has no meaning in AWS's protocols.
        for (const auto& [key, value] : element.children.items()) {
          if (!key.starts_with('@')) return stop(Code::malformed, "XML with text beside elements");
        }
        element.children["#text"] = std::move(element.text);
      }
      content = std::move(element.children);
    }
    Json& siblings = stack_.back().children;
    const auto found = siblings.find(element.name);
    if (found == siblings.end()) {
      siblings[element.name] = std::move(content);
    } else if (found->is_array()) {
      found->push_back(std::move(content));
    } else {
      Json list = Json::array();
      list.push_back(std::move(*found));
      list.push_back(std::move(content));
      *found = std::move(list);
    }
  }

  void text(const char* data, int size) { stack_.back().text.append(data, static_cast<std::size_t>(size)); }

  void stop(Code code, const char* why) {
    if (!error_) error_ = std::make_unique<Error>(fail(code, why));
    XML_StopParser(parser_, XML_FALSE);
  }

  [[nodiscard]] const Error* error() const { return error_.get(); }
  Json take() { return std::move(stack_.front().children); }

 private:
  static bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

  XML_Parser parser_;
  XmlLimits limits_;
  std::vector<Element> stack_;
  std::size_t elements_ = 0;
  std::unique_ptr<Error> error_;
};

Builder& builder(void* user) { return *static_cast<Builder*>(user); }

void on_start(void* user, const XML_Char* name, const XML_Char** attributes) { builder(user).start(name, attributes); }
void on_end(void* user, const XML_Char*) { builder(user).end(); }
void on_text(void* user, const XML_Char* data, int size) { builder(user).text(data, size); }
void on_doctype(void* user, const XML_Char*, const XML_Char*, const XML_Char*, int) {
  builder(user).stop(Code::malformed, "XML must not have a document type");
}
void on_instruction(void* user, const XML_Char*, const XML_Char*) {
  builder(user).stop(Code::malformed, "XML must not have processing instructions");
}
void on_declaration(void* user, const XML_Char*, const XML_Char* encoding, int) {
  if (encoding != nullptr && !equal_ignoring_case(encoding, "utf-8"))
    builder(user).stop(Code::malformed, "XML must be UTF-8");
}

}  // namespace

Result<Json> parse_xml(BytesView text, XmlLimits limits) {
  if (text.size() > (std::size_t{64} << 20)) return fail(Code::too_large, "XML of more than 64 MiB");
  if (!is_utf8(text)) return fail(Code::malformed, "XML must be UTF-8");
  const std::unique_ptr<std::remove_pointer_t<XML_Parser>, void (*)(XML_Parser)> parser(XML_ParserCreate("UTF-8"),
                                                                                        XML_ParserFree);
  Builder state(parser.get(), limits);
  XML_SetUserData(parser.get(), &state);
  XML_SetElementHandler(parser.get(), on_start, on_end);
  XML_SetCharacterDataHandler(parser.get(), on_text);
  XML_SetStartDoctypeDeclHandler(parser.get(), on_doctype);
  XML_SetProcessingInstructionHandler(parser.get(), on_instruction);
  XML_SetXmlDeclHandler(parser.get(), on_declaration);
  const bool parsed = XML_Parse(parser.get(), text.data(), static_cast<int>(text.size()), XML_TRUE) == XML_STATUS_OK;
  if (state.error() != nullptr) return *state.error();
  if (!parsed) {
    return fail(Code::malformed,
                std::string("invalid XML at byte ") + std::to_string(XML_GetCurrentByteIndex(parser.get())));
  }
  return state.take();
}

}  // namespace holdpoint::aws
