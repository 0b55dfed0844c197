// One training pass of oneDNN's fused LSTM, forward and backward: `onednn BATCH TIME INPUT HIDDEN`; threads by OMP_NUM_THREADS.
// Says {"ready":true} with the version, then reads numbers of steps from standard input and answers each with the milliseconds of every step.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <unordered_map>
#include <vector>

using namespace dnnl;
using Tag = memory::format_tag;
using Type = memory::data_type;

static engine cpu(engine::kind::cpu, 0);

/** Memory filled with small numbers. */
static memory filled(const memory::desc &desc, float scale) {
  memory made(desc, cpu);
  auto *data = static_cast<float *>(made.get_data_handle());
  for (size_t i = 0; i < desc.get_size() / sizeof(float); i++) data[i] = scale * (float(i * 7919 % 1009) / 1009 - 0.5f);
  return made;
}

static void clear(memory &given) {
  auto *data = static_cast<float *>(given.get_data_handle());
  std::fill(data, data + given.get_desc().get_size() / sizeof(float), 0.0f);
}

int main(int, char **arguments) {
  const int batch = atoi(arguments[1]), time = atoi(arguments[2]), input = atoi(arguments[3]), hidden = atoi(arguments[4]);
  const memory::dims inputDims{time, batch, input}, outputDims{time, batch, hidden}, stateDims{1, 1, batch, hidden};
  const memory::dims weightDims{1, 1, input, 4, hidden}, recurrentDims{1, 1, hidden, 4, hidden}, biasDims{1, 1, 4, hidden};
  auto plain = [](const memory::dims &dims, Tag tag) { return memory::desc(dims, Type::f32, tag); };
  auto any = [](const memory::dims &dims) { return memory::desc(dims, Type::f32, Tag::any); };
  const auto x = plain(inputDims, Tag::tnc), y = plain(outputDims, Tag::tnc), s = plain(stateDims, Tag::ldnc);
  const auto b = plain(biasDims, Tag::ldgo);
  const auto direction = rnn_direction::unidirectional_left2right;

  const lstm_forward::primitive_desc forward(
      lstm_forward::desc(prop_kind::forward_training, direction, x, s, s, any(weightDims), any(recurrentDims), b, y, s, s), cpu);
  const lstm_backward::primitive_desc backward(
      lstm_backward::desc(prop_kind::backward, direction, x, s, s, any(weightDims), any(recurrentDims), b, y, s, s, x, s, s,
                          any(weightDims), any(recurrentDims), b, y, s, s),
      cpu, forward);

  stream queue(cpu);
  auto weights = filled(plain(weightDims, Tag::ldigo), 0.1f), recurrent = filled(plain(recurrentDims, Tag::ldigo), 0.1f);
  memory forwardWeights(forward.weights_layer_desc(), cpu), forwardRecurrent(forward.weights_iter_desc(), cpu);
  memory backwardWeights(backward.weights_layer_desc(), cpu), backwardRecurrent(backward.weights_iter_desc(), cpu);
  memory diffWeights(backward.diff_weights_layer_desc(), cpu), diffRecurrent(backward.diff_weights_iter_desc(), cpu);
  auto diffPlainWeights = filled(plain(weightDims, Tag::ldigo), 0), diffPlainRecurrent = filled(plain(recurrentDims, Tag::ldigo), 0);
  memory workspace(forward.workspace_desc(), cpu);
  auto input_ = filled(x, 1), state = filled(s, 0), cell = filled(s, 0), bias = filled(b, 0.1f), output = filled(y, 0);
  auto lastState = filled(s, 0), lastCell = filled(s, 0), diffInput = filled(x, 0), diffState = filled(s, 0), diffCell = filled(s, 0);
  auto diffBias = filled(b, 0), diffOutput = filled(y, 0), diffLastState = filled(s, 0.01f), diffLastCell = filled(s, 0);

  std::unordered_map<int, memory> forwardArguments{
      {DNNL_ARG_SRC_LAYER, input_},       {DNNL_ARG_SRC_ITER, state},        {DNNL_ARG_SRC_ITER_C, cell},
      {DNNL_ARG_WEIGHTS_LAYER, forwardWeights}, {DNNL_ARG_WEIGHTS_ITER, forwardRecurrent}, {DNNL_ARG_BIAS, bias},
      {DNNL_ARG_DST_LAYER, output},       {DNNL_ARG_DST_ITER, lastState},    {DNNL_ARG_DST_ITER_C, lastCell},
      {DNNL_ARG_WORKSPACE, workspace}};
  auto backwardArguments = forwardArguments;
  backwardArguments.erase(DNNL_ARG_WEIGHTS_LAYER);
  backwardArguments.erase(DNNL_ARG_WEIGHTS_ITER);
  backwardArguments.insert({{DNNL_ARG_WEIGHTS_LAYER, backwardWeights}, {DNNL_ARG_WEIGHTS_ITER, backwardRecurrent},
                            {DNNL_ARG_DIFF_SRC_LAYER, diffInput}, {DNNL_ARG_DIFF_SRC_ITER, diffState},
                            {DNNL_ARG_DIFF_SRC_ITER_C, diffCell}, {DNNL_ARG_DIFF_WEIGHTS_LAYER, diffWeights},
                            {DNNL_ARG_DIFF_WEIGHTS_ITER, diffRecurrent}, {DNNL_ARG_DIFF_BIAS, diffBias},
                            {DNNL_ARG_DIFF_DST_LAYER, diffOutput}, {DNNL_ARG_DIFF_DST_ITER, diffLastState},
                            {DNNL_ARG_DIFF_DST_ITER_C, diffLastCell}});
  const lstm_forward forwardPass(forward);
  const lstm_backward backwardPass(backward);
  const reorder packWeights(weights, forwardWeights), packRecurrent(recurrent, forwardRecurrent);
  const reorder turnWeights(weights, backwardWeights), turnRecurrent(recurrent, backwardRecurrent);
  const reorder readWeights(diffWeights, diffPlainWeights), readRecurrent(diffRecurrent, diffPlainRecurrent);

  // Weights change after each step, so packing them is part of it.
  auto step = [&] {
    packWeights.execute(queue, weights, forwardWeights);
    packRecurrent.execute(queue, recurrent, forwardRecurrent);
    turnWeights.execute(queue, weights, backwardWeights);
    turnRecurrent.execute(queue, recurrent, backwardRecurrent);
    forwardPass.execute(queue, forwardArguments);
    clear(diffWeights);
    clear(diffRecurrent);
    clear(diffBias);
    backwardPass.execute(queue, backwardArguments);
    readWeights.execute(queue, diffWeights, diffPlainWeights);
    readRecurrent.execute(queue, diffRecurrent, diffPlainRecurrent);
    queue.wait();
  };

  const auto *version = dnnl_version();
  std::cout << "{\"ready\":true,\"version\":\"" << version->major << "." << version->minor << "." << version->patch << "\"}" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::string answer;
    for (int i = 0, steps = std::stoi(line); i < steps; i++) {
      const auto start = std::chrono::steady_clock::now();
      step();
      const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - start;
      answer += (i ? "," : "") + std::to_string(taken.count());
    }
    std::cout << "{\"ms\":[" << answer << "]}" << std::endl;
  }
}
