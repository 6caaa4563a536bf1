#!/bin/sh
# All weights or an adapter of the final model: LoRA, PiSSA, Bone (its first form, bat) or MiSS, on every linear
# layer. AdamW trains each of them: Muon is for whole matrices.
all='targets: [q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj]'
exec dvc exp run --queue -S 'pretrain.optimizer.muon=null' -S "++pretrain.method=\
{kind: full},\
{kind: lora, rank: 16, alpha: 32, dropout: 0.0, $all},\
{kind: pissa, rank: 16, iterations: 4, $all},\
{kind: bone, rank: 16, $all},\
{kind: miss, rank: 16, $all}" "$@"
