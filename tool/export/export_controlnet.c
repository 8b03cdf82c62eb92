/* export/export_controlnet.c - jobs for a ControlNet in diffusers: the mask in colors for networks
 * that take segmentations, its edges for those that take lines, and a script that runs either. */
#include "export/export_controls.h"

/* Latents are an eighth as large as images. */
enum { MULTIPLE = 8 };

static const char script[] =
    "#!/usr/bin/env python3\n"
    "\"\"\"Generates with a ControlNet in diffusers what jobs.jsonl asks for. Written by freemask "
    "export.\n"
    "\n"
    "    python generate.py --model MODEL --controlnet CONTROLNET\n"
    "\n"
    "Both are names or folders as diffusers takes them; --condition edges is for networks that "
    "take lines,\n"
    "--pipeline and --network name other classes of diffusers. An image that is there stays, so "
    "the same\n"
    "command continues. Then: freemask collect.\"\"\"\n"
    "import argparse\n"
    "import json\n"
    "import os\n"
    "\n"
    "HERE = os.path.dirname(os.path.abspath(__file__))\n"
    "\n"
    "\n"
    "def arguments():\n"
    "    parser = argparse.ArgumentParser(description=__doc__, "
    "formatter_class=argparse.RawDescriptionHelpFormatter)\n"
    "    parser.add_argument(\"--model\", required=True, help=\"name or folder of the pipeline\")\n"
    "    parser.add_argument(\"--controlnet\", required=True, help=\"name or folder of the "
    "ControlNet\")\n"
    "    parser.add_argument(\"--pipeline\", default=\"StableDiffusionControlNetPipeline\", "
    "help=\"class of "
    "diffusers\")\n"
    "    parser.add_argument(\"--network\", default=\"ControlNetModel\", help=\"class of "
    "diffusers\")\n"
    "    parser.add_argument(\"--condition\", choices=[\"control\", \"edges\"], "
    "default=\"control\",\n"
    "                        help=\"colors of classes (default), or their boundaries\")\n"
    "    parser.add_argument(\"--image-argument\", default=\"image\", help=\"the pipeline's name "
    "for the "
    "condition\")\n"
    "    parser.add_argument(\"--prompt\", default=\"{classes}\", help=\"{classes} stands for the "
    "mask's "
    "classes\")\n"
    "    parser.add_argument(\"--negative-prompt\", default=None)\n"
    "    parser.add_argument(\"--steps\", type=int, default=30)\n"
    "    parser.add_argument(\"--device\", default=None, help=\"cuda where there is one\")\n"
    "    parser.add_argument(\"--dtype\", default=None, help=\"float16 on cuda, else float32\")\n"
    "    return parser.parse_args()\n"
    "\n"
    "\n"
    "def open_pipeline(args):\n"
    "    import diffusers\n"
    "    import torch\n"
    "    device = args.device or (\"cuda\" if torch.cuda.is_available() else \"cpu\")\n"
    "    dtype = getattr(torch, args.dtype or (\"float16\" if device.startswith(\"cuda\") else "
    "\"float32\"))\n"
    "    network = getattr(diffusers, args.network).from_pretrained(args.controlnet, "
    "torch_dtype=dtype)\n"
    "    pipeline = getattr(diffusers, args.pipeline).from_pretrained(args.model, "
    "controlnet=network, "
    "torch_dtype=dtype)\n"
    "    pipeline.set_progress_bar_config(disable=True)\n"
    "    return pipeline.to(device)\n"
    "\n"
    "\n"
    "def make(pipeline, job, args):\n"
    "    import torch\n"
    "    from PIL import Image\n"
    "    with Image.open(os.path.join(HERE, job[args.condition])) as file:\n"
    "        condition = file.convert(\"RGB\")\n"
    "    more = {\"negative_prompt\": args.negative_prompt} if args.negative_prompt else {}\n"
    "    # On the CPU, so that a seed makes the same image on every device.\n"
    "    generator = torch.Generator(device=\"cpu\").manual_seed(job[\"seed\"])\n"
    "    return pipeline(prompt=args.prompt.replace(\"{classes}\", job[\"prompt\"]), "
    "width=job[\"width\"],\n"
    "                    height=job[\"height\"], num_inference_steps=args.steps, "
    "generator=generator,\n"
    "                    **{args.image_argument: condition}, **more).images[0]\n"
    "\n"
    "\n"
    "def main():\n"
    "    args, pipeline, made = arguments(), None, 0\n"
    "    with open(os.path.join(HERE, \"jobs.jsonl\"), encoding=\"utf-8\", newline=\"\\n\") as "
    "file:\n"
    "        jobs = [json.loads(line) for line in file]\n"
    "    for job in jobs:\n"
    "        path = os.path.join(HERE, job[\"output\"])\n"
    "        if os.path.exists(path):\n"
    "            continue\n"
    "        pipeline = pipeline or open_pipeline(args)\n"
    "        os.makedirs(os.path.dirname(path), exist_ok=True)\n"
    "        make(pipeline, job, args).save(path + \".part\", \"JPEG\", quality=95)\n"
    "        os.replace(path + \".part\", path)  # never half an image\n"
    "        made += 1\n"
    "    print(f\"{made} images made, {len(jobs) - made} were there\")\n"
    "\n"
    "\n"
    "if __name__ == \"__main__\":\n"
    "    main()\n";

static int write_all(export_state *s, fault *f) {
  control *controls;
  int code = controls_write(s, MULTIPLE, &controls, f);
  if (!code) {
    const job_style style = {generate_result, NULL, {0}, controls};
    code = generate_write_jobs(s, &style, f);
  }
  if (!code) code = export_write_fixed(s, "generate.py", script, f);
  controls_free(controls, s->real.count);
  return code;
}

static const char *const files[] = {"jobs.jsonl", "generate.py", "controls/", "edges/", NULL};

const export_format export_controlnet = {
    "controlnet", EXPORT_LABELS | EXPORT_GENERATES | EXPORT_NPY | EXPORT_NAMES_FOLDER, files,
    write_all};
