// Results: where they go, and printing those that are no rows.
#pragma once

#include <CLI/App.hpp>
#include <nlohmann/json.hpp>
#include <string>

namespace iflow {

// Throws Error naming the reason when standard output can't take it.
void print_result(const std::string& text);
void print_result(const nlohmann::json& json);

// Adds -o: where rows go. "-" is standard output. `more`: what else there is to say about it.
void add_output_option(CLI::App& command, std::string& path, const char* more = "");

// Adds --json, and what it prints to the command's help: "an object a row, ...".
void add_documented_json_option(CLI::App& command, bool& json, const std::string& fields);

}  // namespace iflow
