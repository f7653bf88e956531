//! Between networks and [`NetworkWeights`].

use burn::module::Param;
use burn::nn::{Embedding, Linear};
use burn::tensor::{Device, Tensor, TensorData};
use recurrent_models::networks::{ForecastNetwork, LanguageModel, Pooling, SequenceClassifier};
use recurrent_zoo::{AttentionWeights, DenseWeights, ExchangeWeights, Head, Matrix, NetworkWeights, StackWeights};

use crate::{Ensemble, Result};

/// The weights of a language model.
pub(super) fn of_language_model(network: &LanguageModel) -> Result<NetworkWeights> {
    let embedding = matrix(network.embedding.weight.val())?;
    let output = &network.output;
    let weight = match &output.weight {
        Some(weight) => matrix(weight.val())?.transposed(),
        None => embedding.clone(),
    };
    let mut dense: Vec<DenseWeights> = output.projection.iter().map(of_linear).collect::<Result<_>>()?;
    dense.push(DenseWeights { weight, bias: Some(values(output.bias.val())) });
    let stacks = vec![network.recurrent.to_weights()?];
    Ok(NetworkWeights::new(Some(embedding), stacks, Head::EachStep, dense)?)
}

/// The weights of a classifier.
pub(super) fn of_classifier(network: &SequenceClassifier, pooling: Pooling) -> Result<NetworkWeights> {
    let embedding = network.embedding.as_ref().map(|embedding| matrix(embedding.weight.val())).transpose()?;
    let head = match (&network.attention, pooling) {
        (Some(attention), _) => Head::Attention(AttentionWeights {
            hidden: of_linear(&attention.hidden)?,
            energy: values(attention.energy.weight.val()),
        }),
        (None, Pooling::Mean) => Head::Mean,
        (None, Pooling::Max) => Head::Max,
        (None, Pooling::Last | Pooling::Attention) => Head::Last,
    };
    let stacks = vec![network.recurrent.to_weights()?];
    Ok(NetworkWeights::new(embedding, stacks, head, vec![of_linear(&network.dense)?])?)
}

/// The weights of a forecaster without a decoder.
pub(super) fn of_forecaster(network: &ForecastNetwork) -> Result<NetworkWeights> {
    let stacks = network.layers.iter().map(ExchangeWeights::to_weights).collect::<Result<_, _>>()?;
    Ok(NetworkWeights::new(None, stacks, Head::Last, vec![of_linear(&network.dense)?])?)
}

/// A language model of the same shape with these weights.
pub(super) fn into_language_model(mut network: LanguageModel, weights: &NetworkWeights) -> Result<LanguageModel> {
    network.embedding = into_embedding(network.embedding, weights);
    network.recurrent = network.recurrent.with_weights(&weights.stacks()[0])?;
    if let Some(output) = weights.dense().last() {
        network.output.weight = network.output.weight.map(|own| into_matrix(&own, &output.weight.transposed()));
        if let Some(bias) = &output.bias {
            network.output.bias = into_vector(&network.output.bias, bias);
        }
    }
    Ok(network)
}

/// A classifier of the same shape with these weights.
pub(super) fn into_classifier(mut network: SequenceClassifier, weights: &NetworkWeights) -> Result<SequenceClassifier> {
    network.embedding = network.embedding.map(|embedding| into_embedding(embedding, weights));
    network.recurrent = network.recurrent.with_weights(&weights.stacks()[0])?;
    if let Some(output) = weights.dense().last() {
        network.dense = into_linear(network.dense, output);
    }
    Ok(network)
}

/// Forecasters of the same shape, without a decoder, with these weights.
pub(super) fn into_forecaster(
    mut networks: Ensemble<ForecastNetwork>,
    weights: &NetworkWeights,
) -> Result<Ensemble<ForecastNetwork>> {
    let layers: Vec<StackWeights> = weights.stacks().iter().flat_map(StackWeights::split_layers).collect();
    for network in &mut networks.members {
        let trained = std::mem::take(&mut network.layers).into_iter().zip(&layers);
        network.layers = trained.map(|(layer, weights)| layer.with_weights(weights)).collect::<Result<_, _>>()?;
        if let Some(output) = weights.dense().last() {
            network.dense = into_linear(network.dense.clone(), output);
        }
    }
    Ok(networks)
}

fn into_embedding(mut embedding: Embedding, weights: &NetworkWeights) -> Embedding {
    if let Some(vectors) = weights.embedding() {
        embedding.weight = into_matrix(&embedding.weight, vectors);
    }
    embedding
}

/// A parameter with these values.
pub(super) fn into_matrix(param: &Param<Tensor<2>>, values: &Matrix) -> Param<Tensor<2>> {
    Param::from_tensor(tensor(values, &param.device()))
}

/// A parameter with these values.
pub(super) fn into_vector(param: &Param<Tensor<1>>, values: &[f32]) -> Param<Tensor<1>> {
    Param::from_tensor(vector(values, &param.device()))
}

/// A layer with these weights; without a bias among them, its own is zero. A layer without a bias stays without one.
pub(super) fn into_linear(mut linear: Linear, weights: &DenseWeights) -> Linear {
    let device = linear.weight.device();
    linear.weight = Param::from_tensor(tensor(&weights.weight.transposed(), &device));
    let zeros = vec![0.0; weights.weight.rows()];
    let bias = weights.bias.as_ref().unwrap_or(&zeros);
    linear.bias = linear.bias.map(|_| Param::from_tensor(vector(bias, &device)));
    linear
}

pub(super) fn of_linear(linear: &Linear) -> Result<DenseWeights> {
    let bias = linear.bias.as_ref().map(|bias| values(bias.val()));
    Ok(DenseWeights { weight: matrix(linear.weight.val())?.transposed(), bias })
}

pub(super) fn matrix(tensor: Tensor<2>) -> Result<Matrix> {
    let [rows, columns] = tensor.dims();
    Ok(Matrix::new(rows, columns, values(tensor))?)
}

pub(super) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

fn tensor(matrix: &Matrix, device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(matrix.values().to_vec(), [matrix.rows(), matrix.columns()]), device)
}

fn vector(values: &[f32], device: &Device) -> Tensor<1> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), device)
}
