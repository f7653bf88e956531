//! `train import` and `train export`.

use crate::program::TestSandbox;

#[test]
fn pretrained_models_go_out_and_come_back() {
    let sandbox = TestSandbox::new();
    for (format, weights) in [("pytorch", "model.safetensors"), ("keras", "model.weights.h5"), ("onnx", "model.onnx")] {
        let said = sandbox.ok(&format!("export zoo:fables --format {format} --out {format}")).stdout;
        assert!(said.contains(&format!("python {format}/load.py")), "{said}");
        let list = sandbox.ok(&format!("import {format}/{weights} --list")).stdout;
        assert!(list.contains(": LSTM(") && list.contains(" other tensors"), "{list}");
        let import =
            format!("import {format}/{weights} --as generate --tokenizer {format}/tokenizer.json --out {format}-run");
        assert!(sandbox.ok(&import).stdout.contains(&format!("train predict {format}-run")));
        let answer = sandbox.ok_with_args(&format!("complete {format}-run -n 1"), &["The fox sai"]).stdout;
        assert!(answer.contains("The fox said"), "{answer}");
    }
}

#[test]
fn translators_go_out_to_pytorch_and_come_back() {
    let sandbox = TestSandbox::new();
    sandbox.ok("export zoo:english-russian --format pytorch --out exported");
    let files =
        ["config.json", "example.safetensors", "load.py", "model.safetensors", "tokenizers.json", "vocabulary.json"];
    assert_eq!(sandbox.listing("exported"), files);
    let list = sandbox.ok("import exported/model.safetensors --list").stdout;
    assert!(list.contains("encoder: GRU (reset after)(") && list.contains("decoder: GRU (reset after)("), "{list}");
    let import = "import exported/model.safetensors --as translate --tokenizer exported/tokenizers.json --out imported";
    assert!(sandbox.ok(import).stdout.contains("train predict imported"));
    let translate = |run: &str| {
        let options = "--beam-size 1 --length-penalty 0.6 --max-length 20";
        sandbox.ok_with_args(&format!("predict {run} {options}"), &["How are you?"]).stdout
    };
    assert_eq!(translate("imported"), translate("zoo:english-russian"));
}

#[test]
fn wrong_files_and_flags_are_refused() {
    let sandbox = TestSandbox::new();
    sandbox.write("text.pt", "no weights");
    sandbox.ok("export zoo:fables --format pytorch --out fables");
    for (command, expected) in [
        ("import text.pt --list", "text.pt: not a valid weights file: it is neither safetensors, PyTorch"),
        ("import none.pt --list", "cannot read none.pt"),
        ("import fables/model.safetensors --as generate", "--tokenizer: expected the file of the network's tokenizer"),
        ("import fables/model.safetensors --as classify --tokenizer fables/tokenizer.json", "--labels: expected "),
        (
            "import fables/model.safetensors --as translate --tokenizer fables/tokenizer.json",
            "expected recurrent layers `encoder` and `decoder`, as `train export` names them",
        ),
        (
            "import fables/model.safetensors --as translate",
            "--tokenizer: expected the tokenizer of both languages, or ",
        ),
        ("export zoo:english-russian --format onnx --out x", "expected pytorch, since Keras and ONNX have no decoder"),
        ("export zoo:fables --format onnx --out fables", "fables: expected no such folder, found one"),
        ("classify --from zoo:fables", "expected a run of `classify`, found a run of `generate`"),
        ("classify --from zoo:sentiment-en --hidden-size 3", "--hidden-size: expected "),
    ] {
        sandbox.refused(command, expected);
    }
    let sandbox = TestSandbox::with_story();
    sandbox.refused(
        "generate --data story.txt --freeze nothing --out frozen",
        "--freeze: expected parts of the network (embedding, output, recurrent), found nothing",
    );
    assert!(!sandbox.path("frozen").exists());
}
